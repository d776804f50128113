"""What must hold in every driver: I1 to I6 and "told first", as functions that raise AssertionError with a sentence.

Some hold at every step, some only while no fill or leak is amid a round; each says which. Units as everywhere:
num_pages in 4 KiB balloon pages, isolated pages in guest pages.
"""

from __future__ import annotations

import numpy as np

from balloonlab.drivers.virtio_balloon import VirtioBalloon
from balloonlab.foundations.words import counted
from balloonlab.kernel.machine import Machine
from balloonlab.kernel.world import NOBODY, World
from balloonlab.memory.zone import PageState


def _count(world: World, state: PageState) -> int:
    return int(np.count_nonzero(world.frames.states == state))


def check_i1(world: World, vb: VirtioBalloon) -> None:
    """I1, between rounds: num_pages is the pages on the list and the isolated ones, in 4 KiB pages."""
    listed = len(world.list_pages(vb.pages.number))
    isolated = _count(world, PageState.ISOLATED)
    num_pages = world.values.get(vb.num_pages.number)
    expected = vb.pages_per_page * (listed + isolated)
    assert num_pages == expected, (
        f"I1: num_pages is {num_pages}, with {listed} listed and {counted(isolated, 'isolated page')}"
    )


def check_i2(world: World, vb: VirtioBalloon) -> None:
    """I2, at every step: a page on the balloon's list has a reference, an isolated balloon page has two.

    While a compactor looks at a listed page it may hold one more (and from 3.8 on to 3.17 whoever dequeues it takes
    one before it leaves the list), and a page that is migrated to has the migration's besides the balloon's (6.1,
    7.2); an isolated one may have lost one while it is being freed. A page that left the list has what the version
    gives it (two from 3.8 on to 3.17, else one), and a compactor's.
    """
    most = vb.driver.dequeued_references + 1
    for page in world.list_pages(vb.pages.number):
        count = world.refcounts.get(page, 0)
        assert 1 <= count <= most, f"I2: page {page:#x} is listed with {count} references"
    for page in np.flatnonzero(world.frames.states == PageState.ISOLATED).tolist():
        count = world.refcounts.get(page, 0)
        assert count in (1, 2), f"I2: page {page:#x} is isolated with {count} references"
    for page in np.flatnonzero(world.frames.states == PageState.IN_TRANSIT).tolist():
        count = world.refcounts.get(page, 0)
        assert count <= most, f"I2: page {page:#x} is in transit with {count} references"


def check_i2_at_rest(world: World, vb: VirtioBalloon) -> None:
    """I2, at rest: exactly one reference each, to listed pages only; a page that is free carries no mark."""
    listed = world.list_pages(vb.pages.number)
    expected = dict.fromkeys(listed, 1)
    wrong = {page: count for page, count in world.refcounts.items() if expected.get(page) != count}
    assert not wrong, f"I2: references at rest to {', '.join(f'{page:#x}: {count}' for page, count in wrong.items())}"
    assert len(world.refcounts) == len(listed), "I2: a listed page has no reference"
    marked = [page for page in world.page_flags if page not in expected]
    assert not marked, f"I2: pages {marked} are marked as balloon pages and are not in the balloon"


def check_i3(machine: Machine) -> None:
    """I3, at rest: nobody holds a lock, a page's lock neither."""
    world = machine.world
    for name, holder in zip(world.lock_names, world.lock_holders, strict=True):
        assert holder == NOBODY, f"I3: {name} is held by {machine.names[holder]} while nothing runs"
    assert not world.page_locks, f"I3: pages {sorted(world.page_locks)} are locked while nothing runs"


def check_i4(world: World, vb: VirtioBalloon) -> None:
    """I4, at rest: the version's counters add up.

    v9 to v11: isolated pages = migrated + returned + still isolated; released = migrated. Since 6.1: inflated pages
    minus deflated ones are in the balloon (nr_balloon_pages of them, where that is counted).
    """
    counts = {name: world.values[name] for name in vb.driver.vmstat}
    left = _count(world, PageState.ISOLATED)
    if "compact_balloon_isolated" in counts:
        isolated, migrated, released, returned = counts.values()
        since = migrated + returned + left
        assert isolated == since, f"I4: {isolated} isolated, {migrated} + {returned} + {left} since"
        assert released == migrated, f"I4: {migrated} migrated, {released} released"
    if "balloon_inflate" in counts:
        inside = counts["balloon_inflate"] - counts["balloon_deflate"]
        held = len(world.list_pages(vb.pages.number)) + left
        assert inside == held, f"I4: {counted(inside, 'page')} by the counters, {held} in the balloon"
        assert counts.get("nr_balloon_pages", held) == held, f"I4: nr_balloon_pages is not {held}"


def check_i5(world: World) -> None:
    """I5, at every step: no page that the host believes in the balloon is in the buddy allocator."""
    believed = world.host.believed.reshape(-1, world.pages_per_page).any(axis=1)
    wrong = np.flatnonzero(believed & (world.frames.states == PageState.FREE))
    assert not len(wrong), f"I5: the host believes free page {wrong[0]:#x} to be in the balloon"


def check_told_first(world: World) -> None:
    """Told first, at every step: where MUST_TELL_HOST was negotiated, the guest uses no page before the host knows.

    I5 asks this of free pages, whatever was negotiated; here it is of every page that has left the balloon, so that
    what is written there is not lost.
    """
    if world.host.must_tell_host:
        believed = world.host.believed.reshape(-1, world.pages_per_page).any(axis=1)
        inside = np.isin(world.frames.states, (PageState.BALLOON, PageState.ISOLATED, PageState.IN_TRANSIT))
        wrong = np.flatnonzero(believed & ~inside)
        promise = "and the host, who was promised to hear first, has not"
        assert not len(wrong), f"told first: page {wrong[0]:#x} has left the balloon, {promise}"


def check_i6(world: World, vb: VirtioBalloon) -> None:
    """I6, at rest: the host believes exactly num_pages in the balloon, and was told so as `actual`."""
    believed, num_pages = int(world.host.believed.sum()), world.values.get(vb.num_pages.number)
    assert believed == num_pages, (
        f"I6: the host believes {counted(believed, 'page')} in the balloon, num_pages is {num_pages}"
    )
    assert world.host.actual == num_pages, f"I6: actual is {world.host.actual}, num_pages is {num_pages}"


def check_always(machine: Machine, vb: VirtioBalloon) -> None:
    """What holds after every single step: I2, I5, and that the host is told first."""
    check_i2(machine.world, vb)
    check_i5(machine.world)
    check_told_first(machine.world)


def check_at_rest(machine: Machine, vb: VirtioBalloon) -> None:
    """What holds when every thread rests: I1 to I6."""
    world = machine.world
    check_i1(world, vb)
    check_i2(world, vb)
    check_i2_at_rest(world, vb)
    check_i3(machine)
    check_i4(world, vb)
    check_i5(world)
    check_i6(world, vb)
