from django.apps import AppConfig


class TrustConfig(AppConfig):
    name = "trust"
    verbose_name = "Trust"

    def ready(self) -> None:
        # Which feature listens to which fact is wired here and nowhere else.
        from trust import wiring

        wiring.connect()
