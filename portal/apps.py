from django.apps import AppConfig


class PortalConfig(AppConfig):
    name = "portal"
    verbose_name = "Portal"

    def ready(self) -> None:
        # The Celery application is made here, so that a web process sends its hints to the broker of the settings.
        from allauth.mfa.signals import authentication_failed
        from django.core.signals import request_finished
        from django.db.backends.signals import connection_created

        from portal import celery, context, features, plans
        from portal.audit import sentences, triggers
        from portal.counting import services as counting
        from portal.dashboard import counts
        from portal.operations.console import banner
        from portal.organizations import metrics

        celery.app.set_default()
        connection_created.connect(plans.prefer_to_start_at_once, dispatch_uid="plans")
        triggers.protect("partnerships_contact_change")
        triggers.connect(self)
        for module in [*features.modules("rules"), *features.modules("events")]:
            sentences.register(getattr(module, "EVENTS", {}))
        context.count_needs_with(counts.of)
        context.banner_from(banner.text)
        request_finished.connect(counting.write_down, dispatch_uid="counting")
        authentication_failed.connect(metrics.second_factor_failed, dispatch_uid="counting")
