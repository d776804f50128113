"""What the review of v9 found, and what it missed: each situation as small as it can be and still show it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from balloonlab.course.scenarios import review_properties
from balloonlab.course.scenarios.scenario import Plot
from balloonlab.drivers import Driver
from balloonlab.drivers.actors import INTERRUPT, Actor, wish
from balloonlab.drivers.neighbours import HOTPLUG, OWNER, with_cpu_hotplug, with_other_mappings
from balloonlab.drivers.review_variants import with_checked_difference, with_checked_request, with_checked_target
from balloonlab.explore.learn.subject import Property
from balloonlab.guest.guest import Guest
from balloonlab.kernel.cpu import cpu_of
from balloonlab.memory.zone import PageState

F, M, B = (int(state) for state in (PageState.FREE, PageState.MOVABLE, PageState.BALLOON))


def small(
    states: Sequence[int],
    driver: Driver,
    candidates: Sequence[int | tuple[int, ...]] = (0,),
    actors: Sequence[Actor] = (),
    page_size: int = 4096,
) -> Guest:
    """A guest of a few pages, whose compaction looks at page 0."""
    return Guest.from_states(
        np.array(states, np.uint8), driver, candidates=candidates, actors=actors, page_size=page_size
    )


def _all_isolated_64k(driver: Driver) -> Guest:
    return small([B, B], driver, candidates=((0, 1),), page_size=65536)


def _half_a_page_64k(driver: Driver) -> Guest:
    return small([B, B], with_checked_target(driver), candidates=(), page_size=65536)


def _reclaiming(driver: Driver) -> Guest:
    guest = small([B, F], driver)
    guest.world.throttled = True
    return guest


def _interrupted(driver: Driver) -> Guest:
    guest = small([B], driver, actors=(INTERRUPT,))
    guest.vb.cpu = cpu_of(guest.machine, guest.driver.threads[0].name)
    return guest


def _wavering_host(driver: Driver) -> Guest:
    host = Actor("wavering-host", "the host, which changes its mind", wish(1))
    return small([B], driver, actors=(host,))


def _with_another_owner(driver: Driver) -> Guest:
    return small([B], with_other_mappings(driver).sharing(other_mapping="value"), actors=(OWNER,))


def _with_cpu_hotplug(driver: Driver) -> Guest:
    return small([B, F], with_cpu_hotplug(driver), actors=(HOTPLUG,))


def _waits(guest: Guest) -> tuple[Property, ...]:
    return (
        review_properties.wakes_for_a_page_it_can_have(guest),
        review_properties.sleeps_for_one_thing(guest),
        review_properties.nobody_complains(guest),
        review_properties.never_waits_for_a_page_under_it(guest),
        review_properties.deflates_what_was_inflated(guest),
    )


def _two_pages(guest: Guest) -> tuple[Property, ...]:
    return review_properties.takes_what_is_there(guest), review_properties.passes_over_locked_pages(guest)


def _fill(guest: Guest) -> tuple[Property, ...]:
    return (
        review_properties.never_sleeps_for_it_under_a_page_lock(guest),
        review_properties.allocates_without_it(guest),
        review_properties.totalram_is_right(guest),
    )


PLOTS = (
    Plot(
        "empty-and-compact",
        "the host wants the balloon's only page back while compaction moves it",
        "The driver may have to wait for the page. Who wakes it, and can it use the page then?",
        lambda driver: small([B, F], driver),
        (("set_target", 0), ("compact", 0)),
        watch=_waits,
    ),
    Plot(
        "empty-two-and-compact",
        "the host wants both pages back while compaction holds one of them, and cannot move it",
        "One page could be had at once. Does the driver take it?",
        lambda driver: small([B, B], with_checked_difference(driver)),
        (("set_target", 0), ("compact", 0)),
        watch=_two_pages,
    ),
    Plot(
        "one-cpu",
        "the driver and compaction share one CPU, and whoever runs there runs until it waits",
        "The driver wants a page that compaction has locked. What does it do until it can have it?",
        lambda driver: small([B, F], driver),
        (("set_target", 0), ("compact", 0)),
        cpu=("driver", "compactor"),
    ),
    Plot(
        "isolated-64k",
        "a 64 KiB guest is asked for one of its two balloon pages, and compaction has isolated both",
        "No page can be had. Does the driver know?",
        _all_isolated_64k,
        (("set_target", 16), ("compact", 0)),
        watch=lambda guest: (review_properties.looks_where_pages_are(guest),),
    ),
    Plot(
        "half-a-page-64k",
        "a 64 KiB guest is asked to give back half of a page",
        "The driver takes whole pages. What is left of its target then?",
        _half_a_page_64k,
        (("set_target", 24),),
        goal="rounds",
        invariants=("I1", "I2"),
    ),
    Plot(
        "deflate-as-asked",
        "the balloon gives back two of its pages",
        "Is leak_balloon ever asked for more than there is?",
        lambda driver: small([B, B, M], with_checked_request(driver), candidates=()),
        (("set_target", 0),),
    ),
    Plot(
        "message-on-its-way",
        "the balloon gives a page back while compaction tells the host of another",
        "A message points to vb->pfns until the host has read it. Who writes there meanwhile?",
        lambda driver: small([B, B, F, F], driver),
        (("set_target", 1), ("compact", 0)),
        watch=lambda guest: (review_properties.messages_arrive_as_they_were_sent(guest),),
    ),
    Plot(
        "fill-and-compact",
        "the balloon wants a page while compaction moves another",
        "Who sleeps while it holds what, and who waits for it?",
        lambda driver: small([B, F, F], driver),
        (("set_target", 2), ("compact", 0)),
        watch=_fill,
    ),
    Plot(
        "reclaim-and-compact",
        "the balloon wants a page, and none is free until the page that compaction has isolated comes back",
        "The driver waits for compaction. Does compaction wait for the driver?",
        _reclaiming,
        (("set_target", 2), ("compact", 0)),
        goal="rounds",
        invariants=("I2", "I5"),
    ),
    Plot(
        "reuse-and-compact",
        "the host takes the only page back and wants it again, and compaction has looked at it in between",
        "Whose page does compaction lock?",
        _wavering_host,
        (("set_target", 0), ("compact", 0), ("begin", 0)),
    ),
    Plot(
        "another-owner",
        "compaction looks at a page that leaves the balloon, and whose next owner keeps a number in page->mapping",
        "Whose page is it? Compaction asks page->mapping. What does it find there?",
        _with_another_owner,
        (("set_target", 0), ("compact", 0), ("begin", 0)),
    ),
    Plot(
        "statistics-and-hotplug",
        "the host asks for statistics while somebody takes a CPU away, and compacts memory for that",
        "Whoever gathers statistics must wait until no CPU comes or goes. What does he hold meanwhile?",
        _with_cpu_hotplug,
        (("request_stats", 0), ("begin", 0)),
    ),
    Plot(
        "interrupt",
        "a disk's interrupt comes in on the driver's CPU while compaction isolates a page",
        "Which lock may be held while an interrupt comes in?",
        _interrupted,
        (("set_target", 0), ("compact", 0), ("begin", 0)),
    ),
)
