"""Numbers of what happened that no other row tells, such as failed sign-ins."""

from django.db import models


class Tally(models.Model):
    """How often something happened since the portal was set up. ``labels`` is a JSON object with sorted names."""

    name = models.CharField(max_length=60)
    labels = models.CharField(max_length=300, default="{}")
    value = models.PositiveBigIntegerField(default=0)

    class Meta:
        db_table = "counting_tally"
        constraints = [models.UniqueConstraint(fields=["name", "labels"], name="one_tally_per_name_and_labels")]

    def __str__(self) -> str:
        return f"{self.name}{self.labels} {self.value}"
