"""The application: the page, images handed in, and predictions over HTTP."""

import secrets
import threading
from collections import Counter, OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from radprompt.core.errors import InputError
from radprompt.core.inputs import is_name
from radprompt.export.cases import names_a_file, parse_box
from radprompt.export.page import SIDE
from radprompt.export.record import NOT_CLINICAL
from radprompt.loopback.answers import HANDLERS, Assets
from radprompt.loopback.guard import TOO_LARGE, Door, Guard
from radprompt.loopback.worker import Worker
from radprompt.mammograms.imaging.pictures import png, shrunk
from radprompt.mammograms.imaging.roi import Region, crop, to_grid
from radprompt.serve.forms import Field, body_of, fields_of
from radprompt.serve.schema import Question, openapi

JSON, FORM = "application/json", "multipart/form-data"
OVERVIEW = 1400
"""Pixels of the whole image's longer side on the page."""
FIELDS = ("image", "box", "spacing_mm", "values", "site", "id", "shares")
UNKNOWN_IMAGE = "This image is not kept any more. Hand it in again."


@dataclass
class Limits:
    """Bounds of what one request may take: bytes, images kept, and seconds until an operation is ended."""

    upload: int = 96 * 2**20
    question: int = 2**20
    images: int = 6
    reading_s: float = 30.0
    predicting_s: float = 300.0


def make_app(model: Worker, reader: Worker, folder: Path, limits: Limits, token: str, hosts: Collection[str]) -> Guard:
    """Return the application.

    Parameters
    ----------
    model, reader
        Processes of :mod:`radprompt.serve.answering` and :mod:`radprompt.serve.reading`.
    folder
        Where images are kept; nothing is written elsewhere.
    limits
        Bounds.
    token
        First part of the address, without which nothing is answered.
    hosts
        ``host:port`` as browsers write it.
    """
    desk, assets = _Desk(model, reader, folder, limits), Assets("radprompt.serve")
    routes = [
        Route("/", assets.page),
        Route("/assets/{name}", assets.asset),
        Route("/openapi.json", desk.openapi),
        Route("/model", desk.model),
        Route("/images", desk.hand_in, methods=["POST"]),
        Route("/images/{image}/whole", desk.whole),
        Route("/images/{image}/region/{top:int}/{left:int}/{bottom:int}/{right:int}", desk.region),
        Route("/predict", desk.predict, methods=["POST"]),
    ]
    door = Door("radprompt serve", largest=limits.upload, types=(JSON, FORM), programs=True)
    return Guard(Starlette(routes=routes, exception_handlers=HANDLERS), token, hosts, door)


class _Desk:
    """Answers; what reads, decodes or waits runs in threads."""

    def __init__(self, model: Worker, reader: Worker, folder: Path, limits: Limits) -> None:
        self._model, self._reader, self._folder, self._limits = model, reader, folder, limits
        self._images: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._held: Counter[str] = Counter()
        self._keeping = threading.Lock()
        self._description: dict[str, Any] | None = None

    async def openapi(self, request: Request) -> Response:
        return JSONResponse(openapi())

    def model(self, request: Request) -> Response:
        if self._description is None:
            self._description = self._model.ask("describe", self._limits.predicting_s)
        return JSONResponse(self._description)

    async def hand_in(self, request: Request) -> Response:
        fields = await self._form(request, ("image",))
        facts = await run_in_threadpool(self._read, fields["image"])
        return JSONResponse(facts | {"warning": NOT_CLINICAL})

    async def predict(self, request: Request) -> Response:
        if _type_of(request) == FORM:
            question = await self._asked_by_form(await self._form(request, FIELDS))
        else:
            question = Question.model_validate_json(await body_of(request, self._limits.question))
            if question.image is not None:
                self._hold(question.image)
        try:
            return await self._answer(request, question)
        finally:
            self._let_go(question.image)

    async def _answer(self, request: Request, question: Question) -> Response:
        if question.id and not names_a_file(question.id):
            raise InputError(
                f"id {question.id!r} cannot name a file", fix="use letters, digits, and - _ . between them"
            )
        if (question.image is None) != (question.box is None):
            raise InputError("an image needs a box, and a box an image", fix="give both, or values alone")
        facts = {"name": ""} if question.image is None else self._images[question.image]
        asked = question.model_dump(exclude={"id"}) | {"case_id": question.id, "name": facts["name"]}
        kind = "page" if request.headers.get("accept", "").startswith("text/html") else "predict"
        answer = await run_in_threadpool(self._model.ask, kind, self._limits.predicting_s, **asked)
        if kind == "predict":
            return JSONResponse(answer)
        name = quote(question.id or Path(facts["name"]).stem or "case")
        return HTMLResponse(answer, headers={"content-disposition": f"attachment; filename*=UTF-8''{name}.html"})

    def whole(self, request: Request) -> Response:
        return Response(png(shrunk(self._pixels(request), OVERVIEW)), media_type="image/png")

    def region(self, request: Request) -> Response:
        pixels = self._pixels(request)
        region = Region(*(request.path_params[edge] for edge in ("top", "left", "bottom", "right")))
        if not (region.top < region.bottom <= pixels.shape[0] and region.left < region.right <= pixels.shape[1]):
            raise HTTPException(422, "the region is not part of the image")
        return Response(png(to_grid(crop(pixels, region), SIDE)), media_type="image/png")

    async def _form(self, request: Request, known: Collection[str]) -> dict[str, Field]:
        if _type_of(request) != FORM:
            raise HTTPException(415, f"not {FORM}")
        body = await body_of(request, self._limits.upload)
        fields = await run_in_threadpool(fields_of, body, request.headers["content-type"])
        if strange := sorted(set(fields) - set(known)):
            raise HTTPException(422, f"unknown field {strange[0][:80]!r}; known: {', '.join(known)}")
        if "image" not in fields or fields["image"].file is None:
            raise HTTPException(422, "no file in the field image")
        return fields

    async def _asked_by_form(self, fields: dict[str, Field]) -> Question:
        if any(len(field.content) > self._limits.question for name, field in fields.items() if name != "image"):
            raise HTTPException(413, TOO_LARGE)
        texts = {name: field.content.decode("utf-8", "replace") for name, field in fields.items() if name != "image"}
        if not texts.get("box"):
            raise HTTPException(422, "no box; give xmin,ymin,xmax,ymax in the field box")
        content: dict[str, Any] = {name: texts[name] for name in ("site", "id", "shares") if texts.get(name)}
        content["box"] = parse_box(texts["box"])
        if texts.get("spacing_mm"):
            content["spacing_mm"] = _number(texts["spacing_mm"])
        if texts.get("values"):
            content["values"] = Question.model_validate_json(f'{{"values": {texts["values"]}}}').values
        Question.model_validate(content)  # before time is spent on the image
        facts = await run_in_threadpool(self._read, fields["image"], hold=True)
        return Question.model_validate(content | {"image": facts["image"]})

    def _read(self, upload: Field, *, hold: bool = False) -> dict[str, Any]:
        """Keep an image that was handed in; the oldest ones that no request holds give way."""
        name = (upload.file or "").replace("\\", "/").rpartition("/")[2]
        if not is_name(name):
            name = "image"
        key = secrets.token_hex(8)
        place = self._folder / f"{key}.upload"
        try:
            place.write_bytes(upload.content)
            facts = self._reader.ask("read", self._limits.reading_s, folder=str(self._folder), key=key, name=name)
        except BaseException:
            self._forget(key)
            raise
        finally:
            place.unlink(missing_ok=True)
        with self._keeping:
            self._images[key] = facts
            self._held[key] += 1
        if not hold:
            self._let_go(key)
        return facts

    def _hold(self, key: str) -> None:
        """Keep an image until :meth:`_let_go`; 410 where it has given way."""
        with self._keeping:
            if key not in self._images:
                raise HTTPException(410, UNKNOWN_IMAGE)
            self._images.move_to_end(key)
            self._held[key] += 1

    def _let_go(self, key: str | None) -> None:
        with self._keeping:
            if key is not None:
                self._held[key] -= 1
            free = [each for each in self._images if self._held[each] <= 0]
            for each in free[: max(0, len(self._images) - self._limits.images)]:
                del self._images[each], self._held[each]
                self._forget(each)

    def _pixels(self, request: Request) -> np.ndarray:
        key = request.path_params["image"]
        self._hold(key)
        try:
            return np.load(
                self._folder / f"{key}.npy", mmap_mode="r", allow_pickle=False
            )  # stays readable when deleted
        finally:
            self._let_go(key)

    def _forget(self, key: str) -> None:
        for kind in ("npy", "json"):
            (self._folder / f"{key}.{kind}").unlink(missing_ok=True)


def _type_of(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip()


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise HTTPException(422, f"spacing_mm {text[:80]!r} is not a number") from None
