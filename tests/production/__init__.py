"""Journeys on the deployment: nginx, two web processes, two workers, scheduler, PostgreSQL, Redis. See scripts/test-production."""
