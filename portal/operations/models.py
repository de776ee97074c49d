"""What the running processes leave behind so that others can see that they run."""

from django.db import models


class Heartbeat(models.Model):
    """When a kind of background process last did something. One row a name."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "operations_heartbeat"

    def __str__(self) -> str:
        return f"{self.name} at {self.at.isoformat()}"
