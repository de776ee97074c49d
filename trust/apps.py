from django.apps import AppConfig


class TrustConfig(AppConfig):
    name = "trust"
    verbose_name = "Trust"

    def ready(self) -> None:
        # Which feature listens to which fact is wired here and nowhere else.
        from portal.audit import triggers
        from trust import wiring

        wiring.connect()
        for table in ("trust_verification_record", "trust_verification_signature", "trust_verification_statement"):
            triggers.protect(table)
