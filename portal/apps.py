from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        # The Celery application is made here, so that a web process sends its hints to the broker of the settings.
        from portal import celery, context, features
        from portal.audit import sentences, triggers
        from portal.dashboard import counts

        celery.app.set_default()
        triggers.protect("partnerships_contact_change")
        triggers.connect(self)
        for module in [*features.modules("rules"), *features.modules("events")]:
            sentences.register(getattr(module, "EVENTS", {}))
        context.count_needs_with(counts.of)
