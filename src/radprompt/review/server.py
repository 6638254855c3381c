"""The page's application: worklist, lesions, pictures, drafts and decisions over HTTP."""

import base64
from collections.abc import Collection
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from radprompt.loopback.answers import HANDLERS, Assets, error_answer
from radprompt.loopback.guard import Door, Guard
from radprompt.mammograms.imaging.roi import Region
from radprompt.review.desk import Block, Desk, StaleError
from radprompt.review.pictures import AnyPictures, Whole
from radprompt.review.redrawing import Redrawing
from radprompt.review.worklist import Entry
from radprompt.tables.lesions import Box
from radprompt.tables.reviews import ACCEPTED, LONGEST_REASON, UNUSABLE, Review

DOOR = Door("radprompt review --serve", largest=12 * 2**20)
"""The largest body is the contour of the largest mammogram, a bit a pixel, in base64."""
REASONS = (
    "Not visible in this view",
    "Not a mass",
    "Margins cannot be told from tissue",
    "Cut off by the image border",
    "Artefact, clip or marker over it",
    "Motion blur or technical fault",
)


class Change(BaseModel):
    """What the page sends; the revision is the one that it was shown."""

    model_config = ConfigDict(extra="forbid", strict=True)

    revision: str = Field(max_length=64)


class Draft(Change):
    """A contour: the pixels of the part that is shown, slice by slice and row by row, a bit each, in base64."""

    mask: str
    region: tuple[int, int, int, int] = Field(strict=False)
    slices: tuple[int, int] | None = Field(default=None, strict=False)
    milliseconds: int = Field(ge=0, le=10**9)


class Question(BaseModel):
    """A box for nnU-Net, and the region that its contour is wanted in; both in pixels of the image."""

    model_config = ConfigDict(extra="forbid", strict=True)

    box: tuple[int, int, int, int] = Field(strict=False)
    region: tuple[int, int, int, int] = Field(strict=False)


class Decision(BaseModel):
    """A contour to accept, or a reason why there is none."""

    model_config = ConfigDict(extra="forbid", strict=True)

    revision: str = Field(max_length=64)
    decision: Literal["contour", "unusable"]
    milliseconds: int = Field(ge=0, le=10**9)
    mask: str = ""
    region: tuple[int, int, int, int] = Field(default=(0, 0, 0, 0), strict=False)
    slices: tuple[int, int] | None = Field(default=None, strict=False)
    reason: str = Field(default="", max_length=LONGEST_REASON)


def make_app(desk: Desk, pictures: AnyPictures[Any], token: str, hosts: Collection[str]) -> ASGIApp:
    """Return the application for one reader.

    Parameters
    ----------
    desk
        The reader's desk.
    pictures
        Pictures of the desk's worklist.
    token
        First part of the address, without which nothing is answered.
    hosts
        ``host:port`` as browsers write it.
    """
    page, assets = _Page(desk, pictures), Assets("radprompt.review")
    routes = [
        Route("/", assets.page),
        Route("/assets/{name}", assets.asset),
        Route("/worklist", page.worklist),
        Route("/segmenter", page.segmenter, methods=["POST"]),
        Route("/lesions/{lesion_id}", page.lesion),
        Route("/lesions/{lesion_id}/region/{top:int}/{left:int}/{bottom:int}/{right:int}", page.region),
        Route("/lesions/{lesion_id}/region/{top:int}/{left:int}/{bottom:int}/{right:int}/{at:int}", page.region),
        Route("/lesions/{lesion_id}/whole", page.whole),
        Route("/lesions/{lesion_id}/other", page.other),
        Route("/lesions/{lesion_id}/draft", page.draft, methods=["POST"]),
        Route("/lesions/{lesion_id}/decision", page.decide, methods=["POST"]),
        Route("/lesions/{lesion_id}/drawing", page.draw, methods=["POST"]),
        Route("/lesions/{lesion_id}/withdrawal", page.withdraw, methods=["POST"]),
    ]
    handlers = HANDLERS | {StaleError: _stale}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), token, hosts, DOOR)


class _Page:
    """Answers of the page; functions that read or decode run in threads."""

    def __init__(self, desk: Desk, pictures: AnyPictures[Any]) -> None:
        self._desk, self._worklist, self._pictures = desk, desk.worklist, pictures
        self._redrawing = Redrawing(desk.worklist.root)
        reviews = desk.reviews()
        if first := next((lesion_id for lesion_id in self._worklist if lesion_id not in reviews), None):
            self._pictures.prepare(self._worklist[first])

    def worklist(self, request: Request) -> Response:
        reviews, drafts = self._desk.reviews(), self._desk.drafts()
        entries = [
            _entry(entry) | self._standing(lesion_id, reviews.get(lesion_id), lesion_id in drafts)
            for lesion_id, entry in self._worklist.items()
        ]
        return JSONResponse(
            {
                "dataset": self._worklist.title,
                "reader": self._desk.reader,
                "reasons": REASONS,
                "segmenter": self._redrawing.available,
                "filters": self._worklist.filters,
                "lesions": entries,
            }
        )

    def segmenter(self, request: Request) -> Response:
        self._redrawing.prepare()
        return JSONResponse({"segmenter": self._redrawing.available})

    def lesion(self, request: Request) -> Response:
        entry = self._entry(request)
        state = self._desk.state(entry.lesion_id)
        details = self._pictures.details(entry, state)
        block = state.block(Box(*details["box"]))
        return JSONResponse(
            {
                "id": entry.lesion_id,
                "region": block.region,
                "slices": block.slices,
                "source": entry.source,
                "drawn": None if state.drawn is None else _packed(state.drawn, block),
                "current": _packed(state.current, block),
                "origin": state.origin,
                "milliseconds": state.milliseconds,
                "revision": state.revision,
                **details,
                **self._standing(entry.lesion_id, state.review, state.origin == "draft"),
            }
        )

    def region(self, request: Request) -> Response:
        entry, asked = self._entry(request), request.path_params
        shape, at = self._desk.state(entry.lesion_id).current.shape, asked.get("at")
        block = _part_of(shape, [asked[name] for name in Region._fields], None if at is None else (at, at + 1))
        return Response(self._pictures.region(entry, block, shape, at or 0), media_type="application/octet-stream")

    def whole(self, request: Request) -> Response:
        return _picture(self._pictures.whole(self._entry(request)))

    def other(self, request: Request) -> Response:
        other = self._pictures.other(self._entry(request))
        if other is None:
            raise HTTPException(404, "no other view is known")
        return _picture(other)

    async def draft(self, request: Request) -> Response:
        entry, change = self._entry(request), Draft.model_validate_json(await request.body())
        return await run_in_threadpool(self._save_draft, entry.lesion_id, change)

    async def decide(self, request: Request) -> Response:
        entry, change = self._entry(request), Decision.model_validate_json(await request.body())
        return await run_in_threadpool(self._decide, entry.lesion_id, change)

    async def withdraw(self, request: Request) -> Response:
        entry, change = self._entry(request), Change.model_validate_json(await request.body())
        return await run_in_threadpool(self._withdraw, entry.lesion_id, change)

    async def draw(self, request: Request) -> Response:
        entry, question = self._entry(request), Question.model_validate_json(await request.body())
        return await run_in_threadpool(self._draw, entry, question)

    def _draw(self, entry: Entry, question: Question) -> Response:
        pixels = self._pictures.pixels(entry)
        block, drawing = _part_of(pixels.shape, question.region), self._redrawing.draw(pixels, Box(*question.box))
        return JSONResponse({"mask": _packed(drawing.mask, block), "source": drawing.source, "flag": drawing.flag})

    def _save_draft(self, lesion_id: str, change: Draft) -> Response:
        mask = self._mask(lesion_id, change)
        revision = self._desk.save_draft(lesion_id, mask, change.milliseconds, change.revision)
        return JSONResponse({"revision": revision, "draft": lesion_id in self._desk.drafts()})

    def _decide(self, lesion_id: str, change: Decision) -> Response:
        spent = change.milliseconds
        if change.decision == UNUSABLE:
            review = self._desk.exclude(lesion_id, change.reason, spent, change.revision)
        else:
            mask = self._mask(lesion_id, change)
            review = self._desk.accept(lesion_id, mask, spent, change.revision)
        return JSONResponse(self._standing(lesion_id, review, False))

    def _withdraw(self, lesion_id: str, change: Change) -> Response:
        self._desk.withdraw(lesion_id, change.revision)
        return JSONResponse(self._standing(lesion_id, None, False))

    def _mask(self, lesion_id: str, drawing: Draft | Decision) -> np.ndarray:
        """Return a contour of the image's size; the part that is shown holds all of it."""
        shape = self._desk.state(lesion_id).current.shape
        mask = np.zeros(shape, dtype=bool)
        part = _part_of(shape, drawing.region, drawing.slices).of(mask)
        try:
            content = base64.b64decode(drawing.mask, validate=True)
        except ValueError:
            raise HTTPException(422, "the contour is not base64") from None
        if len(content) != -(-part.size // 8):
            raise HTTPException(422, f"the contour has {len(content)} bytes, not a bit for each pixel of the region")
        part[...] = np.unpackbits(np.frombuffer(content, np.uint8), count=part.size).reshape(part.shape)
        return mask

    def _entry(self, request: Request) -> Entry:
        entry = self._worklist.get(request.path_params["lesion_id"])
        if entry is None:
            raise HTTPException(404, "no such lesion in the worklist")
        return entry

    def _standing(self, lesion_id: str, review: Review | None, draft: bool) -> dict[str, Any]:
        standing = {name: getattr(review, name) for name in ("decision", "reason", "dice", "counts")} if review else {}
        entry, changed = self._worklist[lesion_id], False
        if review and review.decision == ACCEPTED and entry.source != "review" and entry.contour:
            changed = entry.contour != review.contour
        return {"review": standing or None, "draft": draft, "changed": changed}


def _entry(entry: Entry) -> dict[str, Any]:
    """Describe an entry; label, BI-RADS and split stay behind, since contours are read blind."""
    return {
        "id": entry.lesion_id,
        "name": entry.name,
        "source": entry.source,
        "doubts": [{"kind": doubt.kind, "words": doubt.words} for doubt in entry.doubts],
    }


def _part_of(shape: tuple[int, ...], corners: Collection[int], slices: tuple[int, int] | None = None) -> Block:
    block = Block(Region(*corners), slices)
    if not block.fits(shape):
        raise HTTPException(422, "the region is not part of the image")
    return block


def _packed(mask: np.ndarray, block: Block) -> str:
    return base64.b64encode(np.packbits(block.of(mask)).tobytes()).decode("ascii")


def _picture(whole: Whole) -> Response:
    return Response(whole.content, media_type="image/png", headers={"x-step": str(whole.step)})


def _stale(request: Request, error: StaleError) -> Response:
    return error_answer("This lesion was changed in another tab or window since it was opened here.", 409)
