from django.apps import AppConfig


class NotificationsConfig(AppConfig):
    name = "notifications"
    verbose_name = "Notifications"

    def ready(self) -> None:
        from notifications import checklist
        from notifications.fanout import queries, tasks
        from portal import context
        from portal.audit.signals import event_recorded

        event_recorded.connect(tasks.hint, dispatch_uid="fanout hint")
        context.count("inbox", queries.unread)
        checklist.connect()
