"""The address at which anybody reads how the API describes itself."""

import functools
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView


@functools.cache
def _made() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)


class _Once(SchemaGenerator):
    """Makes the schema once in each process: it takes a second, anybody may ask, and it is the same for all."""

    def get_schema(self, *_: Any, **__: Any) -> Any:
        return _made()


class SchemaView(SpectacularAPIView):
    """The OpenAPI schema. Kept here and in no shared cache, which strangers could fill by asking at many addresses."""

    generator_class = _Once
