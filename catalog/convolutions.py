"""Convolutional blocks: a chain of steps over a square grid of cells, each with so many channels.

One chain serves three places: as what leads into a stack (from an image, or from another stack of another width and
resolution), as a layer's feed-forward, and as a head. A convolution with a kernel of 1 is a linear layer on each cell.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from catalog.base import Count, Size, Spec
from catalog.extras import Learned
from catalog.values import dataclass

if TYPE_CHECKING:
    from catalog.spec import Stack


@dataclass(frozen=True, slots=True)
class Grid:
    """Cells of one image on their way through a network."""

    side: int
    """Cells along each edge."""
    channels: int

    @property
    def cells(self) -> int:
        """All cells."""
        return self.side**2


class Convolution(Spec):
    """A two-dimensional convolution, with a norm and an activation behind it where it has them."""

    kind: Literal["convolution"] = "convolution"
    out: Size
    """Channels that leave it."""
    kernel: Size | tuple[Size, Size] = 1
    stride: Size = 1
    groups: Size = 1
    """``groups`` equal to the channels is a depthwise convolution (arXiv:1704.04861, section 3.1)."""
    bias: bool = False
    norm: bool = False
    """A norm behind it, with a scale and a shift per channel."""
    activation: str | None = None
    padding: Count | None = None
    """Cells added to each axis, both edges together; by default what keeps the size, none where patches are cut."""
    dilation: Size = 1
    enlarge: Size = 1
    """Each cell is repeated this often along each axis before the convolution."""

    def out_side(self, side: int) -> int:
        """Cells along each edge of what leaves it.

        Raises:
            ValueError: If it would make the grid oblong, or empty.
        """
        kernels = self.kernel if isinstance(self.kernel, tuple) else (self.kernel,)
        sides = {_reduced(side * self.enlarge, k, self.stride, self.padding, self.dilation) for k in kernels}
        if len(sides) != 1 or min(sides) < 1:
            raise ValueError(f"a convolution of kernel={self.kernel} makes a grid of {side} oblong or empty")
        return sides.pop()


class Pool(Spec):
    """The maximum or mean of neighbouring cells: no parameters, no products."""

    kind: Literal["pool"] = "pool"
    kernel: Size
    stride: Size = 1
    padding: Count | None = None


class Fold(Spec):
    """Squares of ``ratio`` by ``ratio`` cells laid behind each other as channels (Swin, arXiv:2103.14030, 3.1)."""

    kind: Literal["fold"] = "fold"
    ratio: Size


class Norm(Spec):
    """A norm on its own, with a scale and a shift per channel."""

    kind: Literal["norm"] = "norm"
    bias: bool = True


class Squeeze(Spec):
    """Squeeze and excitation: the mean over all cells, two linear layers, a factor per channel (arXiv:1709.01507)."""

    kind: Literal["squeeze"] = "squeeze"
    width: Size
    bias: bool = True


class Steer(Spec):
    """A linear layer that adds the conditioning vector to each cell's channels (arXiv:2006.11239, appendix B)."""

    kind: Literal["steer"] = "steer"
    width: Size
    """Width of the conditioning vector."""


class Skip(Spec):
    """Channels from an earlier stack of the same resolution, laid behind one's own (U-Net, arXiv:1505.04597)."""

    kind: Literal["skip"] = "skip"
    channels: Size


class Take(Spec):
    """Some of the channels; the others steer or weigh elsewhere, without products."""

    kind: Literal["take"] = "take"
    channels: Size


class Attended(Spec):
    """Each cell attends to so many cells of a finer grid, where queries are pooled (Hiera, arXiv:2306.00989, 3.2)."""

    kind: Literal["attended"] = "attended"
    heads: Size
    keys: Size
    """Cells that each cell sees."""


class Branches(Spec):
    """Chains that read the same cells; what they return is added or laid behind each other. An empty one passes on."""

    kind: Literal["branches"] = "branches"
    branches: Annotated[tuple[tuple["Step", ...], ...], Field(min_length=1)]
    join: Literal["add", "concatenate"] = "add"
    activation: str | None = None


Step = Annotated[
    Convolution | Pool | Fold | Norm | Squeeze | Steer | Skip | Take | Attended | Branches | Learned,
    Field(discriminator="kind"),
]


class Convolutions(Spec):
    """A layer's feed-forward, or a head: steps over the stack's grid. A layer must return the stack's own grid."""

    kind: Literal["convolutions"] = "convolutions"
    steps: Annotated[tuple[Step, ...], Field(min_length=1)]
    residual: bool = True
    """Whether the layer adds what the steps return to what they read."""


class ConvolvedEmbedding(Spec):
    """What leads into a stack: steps over an image or over what another stack returns."""

    kind: Literal["convolved"] = "convolved"
    source: str | None = None
    """The stack that it reads; ``None`` is the model's input."""
    side: Size | None = None
    """Side of the square input, in pixels or latent cells."""
    channels: Size | None = None
    """Channels of the input."""
    steps: tuple[Step, ...] = ()
    extra_tokens: Count = 0
    """Class tokens put before the cells."""
    positions: bool = False
    """A learned position per token."""
    norm: bool = False
    """A norm behind it all, as the stack's."""


def after(grid: Grid, steps: Sequence[Step]) -> Grid:
    """The grid that leaves a chain of steps.

    Raises:
        ValueError: If the steps do not fit together.
    """
    for step in steps:
        grid = _after(grid, step)
    return grid


def _after(grid: Grid, step: Step) -> Grid:
    match step:
        case Convolution():
            if grid.channels % step.groups or step.out % step.groups:
                raise ValueError(
                    f"{grid.channels} channels in and {step.out} out are no multiples of {step.groups} groups"
                )
            return Grid(step.out_side(grid.side), step.out)
        case Pool():
            return Grid(_reduced(grid.side, step.kernel, step.stride, step.padding), grid.channels)
        case Fold():
            return Grid(-(-grid.side // step.ratio), grid.channels * step.ratio**2)
        case Skip():
            return Grid(grid.side, grid.channels + step.channels)
        case Take():
            if step.channels > grid.channels:
                raise ValueError(f"{step.channels} channels cannot be taken from {grid.channels}")
            return Grid(grid.side, step.channels)
        case Branches():
            ends = [after(grid, branch) for branch in step.branches]
            sides, widths = {end.side for end in ends}, {end.channels for end in ends}
            if len(sides) > 1 or (step.join == "add" and len(widths) > 1):
                raise ValueError(f"branches end in different grids: {ends}")
            return ends[0] if step.join == "add" else Grid(ends[0].side, sum(end.channels for end in ends))
        case _:
            return grid


def _reduced(side: int, kernel: int, stride: int, padding: int | None, dilation: int = 1) -> int:
    reach = dilation * (kernel - 1)
    pad = (0 if kernel == stride else reach) if padding is None else padding
    return (side + pad - reach - 1) // stride + 1


def grids(stacks: Sequence["Stack"]) -> Mapping[str, Grid]:
    """The grid of each stack that works on one, in the order of the stacks; a stack reads only earlier ones.

    Raises:
        ValueError: If a stack reads one that is no grid, or its steps do not end in its own width.
    """
    found: dict[str, Grid] = {}
    for stack in stacks:
        embedding = stack.embedding
        if embedding.kind == "patch":
            found[stack.name] = Grid(embedding.size // embedding.patch, stack.hidden)
        elif embedding.kind == "convolved":
            grid = after(entry(embedding, found), embedding.steps)
            if grid.channels != stack.hidden:
                raise ValueError(
                    f"stack {stack.name}: its embedding ends in {grid.channels} channels, not {stack.hidden}"
                )
            found[stack.name] = grid
    return found


def entry(embedding: ConvolvedEmbedding, found: Mapping[str, Grid]) -> Grid:
    """What an embedding reads.

    Raises:
        ValueError: If it names a stack that is no grid before it, or neither stack nor input.
    """
    if embedding.source is not None:
        if embedding.source not in found:
            raise ValueError(f"embedding.source names {embedding.source!r}, which is no grid before it")
        return found[embedding.source]
    if embedding.side is None or embedding.channels is None:
        raise ValueError("an embedding that reads the input needs its side and channels")
    return Grid(embedding.side, embedding.channels)
