"""A C++ web server for Python: FastAPI-style handlers on every core of one process."""
