"""The app that both servers run; under ours the package's name in its imports is another."""

import answers
import bodies
import parameters
import paths
import results
from fastapi import FastAPI

app = FastAPI()

for module in (paths, parameters, bodies, results, answers):
    app.include_router(module.router)
answers.install_exception_handlers(app)
