"""What the running processes leave behind so that others can see that they run."""

from django.db import models


class Job(models.Model):
    """When a scheduled task last ran, and what came of it. One row a task."""

    name = models.CharField(max_length=120, primary_key=True)
    succeeded_at = models.DateTimeField(null=True)
    failed_at = models.DateTimeField(null=True)
    failure = models.CharField(max_length=300, blank=True)
    milliseconds = models.PositiveIntegerField(default=0)  # of the last run that succeeded

    class Meta:
        db_table = "operations_job"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Banner(models.Model):
    """What every page says on top, put there by an operator, until it is over. At most one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1)
    text = models.CharField(max_length=300)
    until = models.DateTimeField()
    set_at = models.DateTimeField()
    set_by = models.CharField(max_length=200)

    class Meta:
        db_table = "operations_banner"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="there_is_one_banner")]

    def __str__(self) -> str:
        return self.text


class Heartbeat(models.Model):
    """When a kind of background process last did something. One row a name."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()

    class Meta:
        db_table = "operations_heartbeat"

    def __str__(self) -> str:
        return f"{self.name} at {self.at.isoformat()}"
