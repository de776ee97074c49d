"""The portal's server: uvicorn on one event loop, which answers pulls and holds who waits, with threads for pages."""
