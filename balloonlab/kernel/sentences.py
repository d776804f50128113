"""What a step did, in plain words: one sentence for each verb, read by the Lab and by whoever prints a timeline.

A sentence is a template without its subject. {page}: the page; {found}: the page that the step came back with; {other}:
the second page; {obj}: the lock, list, number or queue; {n}: the number given; {result}: the number that came of it.
Where the result decides what is to be said there are two: for something, and for nothing (0, None).
"""

from __future__ import annotations

from balloonlab.kernel.timeline import NONE, OUTSIDE, Timeline

Sentence = str | tuple[str, str]

SENTENCES: dict[str, Sentence] = {
    # requests from outside
    "set_target": "the host asks for a balloon of size {n}",
    "compact": "you ask the kernel to compact its memory",
    "request_stats": "the host asks for the guest's memory figures",
    "begin": "you let the other threads begin",
    "load": "you ask the kernel to load the driver",
    "unload": "you ask the kernel to unload the driver",
    "suspend": "you ask the kernel to suspend the system",
    "resume": "you ask the kernel to resume",
    # compaction
    "compaction_wanted": "takes up the request to compact",
    "compact_begin": "puts both scanners at the ends of memory",
    "compact_finished": ("sees that the scanners have met", "sees that the scanners have not met yet"),
    "begin_batch": "begins a batch at the migrate scanner",
    "next_candidate": ("looks at {found}, which may be moved", "ends the batch: it has pages enough, or saw them all"),
    "list_add_isolated": "puts {page} on its private list",
    "compaction_alloc": ("takes {found}, a free one, to move to", "finds no free page to move to"),
    "compaction_free": "does not need {page} and sets it aside again",
    "move_lru_page": "moves a workload page, {page}, to page {other}",
    "list_del_migrated": "counts {page} as moved, to page {other}",
    "putback_lru_page": "puts {page} back where the workload has it",
    "end_batch": "counts the batch",
    "release_freepages": "gives back the free pages that it did not need",
    "count_vm_event": "counts one {obj}",
    # interrupts
    "irq_enter": "comes in as an interrupt: whoever ran on that CPU stands still",
    "irq_exit": "returns from the interrupt",
    # lists and numbers
    "list_first": ("looks at the head of the list {obj}: {found}", "finds the list {obj} empty"),
    "list_next": ("goes on along the list to {found}", "comes to the end of the list"),
    "list_pages": "goes through the list {obj}",
    "list_add": "puts {page} on the list {obj}",
    "list_del": "takes {page} off its list",
    "read": "reads {obj}: {result}",
    "write": "sets {obj} to {n}",
    "add": "adds {n} to {obj}",
    "atomic_read": "reads {obj}: {result}",
    "atomic_set": "sets {obj} to {n}",
    "atomic_add": "adds {n} to {obj}",
    "atomic_sub": "takes {n} from {obj}",
    "atomic_inc": "adds one to {obj}",
    "atomic_dec": "takes one from {obj}",
    # locks
    "mutex_lock": "takes {obj}",
    "mutex_trylock": ("takes {obj}", "cannot have {obj} now, and does not wait for it"),
    "mutex_unlock": "gives {obj} back",
    "mutex_lock_slowpath": "slept for {obj} and takes it",
    "spin_lock": "takes {obj}",
    "spin_unlock": "gives {obj} back",
    "spin_lock_irq": "takes {obj} and turns interrupts off",
    "spin_unlock_irq": "gives {obj} back and turns interrupts on",
    "spin_lock_irqsave": "takes {obj} and turns interrupts off",
    "spin_unlock_irqrestore": "gives {obj} back, interrupts as they were",
    "lock_page": "locks {page}",
    "trylock_page": ("locks {page}", "finds {page} locked, and does not wait for it"),
    "unlock_page": "unlocks {page}",
    # marks of a page
    "assign_balloon_mapping": "marks {page} as the balloon's",
    "clear_balloon_mapping": "takes the balloon's mark off {page}",
    "movable_balloon_page": ("sees the balloon's mark on {page}", "sees no balloon's mark on {page}"),
    "kfree_mapping": "frees the object that the balloon's pages point to",
    "mapping_flags": "follows the mapping of {page}, and reads the flags there",
    "mapping_balloon": "reads the flags of the object that the page points to",
    "unused_balloon_page": ("sees that {page} is the balloon's and unused", "sees that {page} is not to be taken"),
    "set_page_balloon": "marks {page} as the balloon's",
    "clear_page_balloon": "takes the balloon's mark off {page}",
    "page_balloon": ("sees that {page} is the balloon's", "sees that {page} is not the balloon's"),
    "set_page_private_flag": "notes that {page} is on the balloon's list",
    "clear_page_private_flag": "notes that {page} is on the balloon's list no more",
    "page_private_flag": ("sees {page} on the balloon's list", "sees that {page} is not on the balloon's list"),
    "set_page_movable": "says that {page} may be moved, and by whom",
    "clear_page_movable": "says that {page} has nobody to move it any more",
    "page_looks_movable": ("sees that {page} looks movable", "sees that {page} does not look movable"),
    "page_movable": ("sees that {page} can be moved", "sees that {page} cannot be moved"),
    "set_page_movable_ops": "says that {page} may be moved",
    "page_has_movable_ops": ("sees that {page} can be moved", "sees that {page} cannot be moved"),
    "set_page_isolated": "notes that {page} is isolated: off its list, to be moved",
    "clear_page_isolated": "notes that {page} is isolated no more",
    "page_isolated": ("sees that {page} is isolated by somebody", "sees that {page} is not isolated"),
    "set_page_offline": "says that what is in {page} is not to be touched",
    "clear_page_offline": "makes {page} an ordinary page again",
    "set_page_private": "notes in {page} whose it is",
    "page_private": ("sees that {page} is this balloon's", "sees that {page} is not this balloon's"),
    # pages
    "alloc_page": ("takes {found} from free memory", "finds no free page"),
    "free_page": ("drops one reference to {page}, and not the last", "gives {page} back: it is free"),
    "put_page": ("drops one reference to {page}, and not the last", "gives {page} back: it is free"),
    "get_page_unless_zero": ("takes a reference to {page}", "finds {page} free already"),
    "page_count": "counts the references to {page}: {result}",
    "get_page": "takes one more reference to {page}",
    "isolate_lru_page": ("takes a workload page, {page}, off its list", "finds {page} not among the workload's pages"),
    "lru_cache_add": "puts {page} on the workload's lists",
    "shrink_page_list": ("drops a page of the file cache", "finds no page of the file cache to drop"),
    "bug_on": ("meets what its author held to be impossible, and stops for good", "checks that all is as it must be"),
    "warn_on": ("complains, and goes on", "checks that all is as it should be"),
    # messages and config space
    "set_page_pfns": "writes the number of {page} into the message",
    "copy_pfns": "copies page numbers into the message",
    "read_pfns": "reads page numbers from the message",
    "read_pfn": "reads a page number from the message",
    "virtqueue_add": "puts a message of page numbers on {obj}",
    "virtqueue_add_outbuf": ("cannot put a message on {obj}: the device is gone", "puts a message on {obj}"),
    "collect_stats": "gathers memory figures",
    "virtqueue_add_stats": "puts memory figures on {obj}",
    "virtqueue_kick": "tells the host that {obj} has a message",
    "virtqueue_get_buf": ("takes its message back from {obj}", "finds nothing on {obj} yet"),
    "config_read": "reads {obj}: {result}",
    "config_write": "tells the host {obj}: {n}",
    "host_read": "reads the message on {obj} and acts on it",
    "host_acknowledge": "answers the message on {obj} and wakes who waits for that",
    "host_acknowledge_stats": "returns the buffer for memory figures: it wants fresh ones",
    "host_wants_stats": "takes up the request for memory figures",
    # waiting
    "prepare_to_wait": "queues up on {obj} to sleep",
    "schedule": "was woken, and goes on",
    "finish_wait": "is awake again",
    "wake_up": ("wakes who sleeps on {obj}", "finds nobody asleep on {obj}"),
    "msleep": "has slept for a time",
    "cond_resched": "lets others run, if somebody wants to",
    "complete": "says that {obj} has happened",
    "wait_for_completion": "goes on: what it waited for has happened",
    "try_to_freeze": "goes on: the system is not being suspended",
    # a driver that comes and goes
    "slab_alloc": ("allocates {obj}", "gets no memory for {obj}"),
    "slab_free": "frees {obj}",
    "vp_find_vqs": "looks for the device's queues",
    "vp_del_vqs": "gives the device's queues up",
    "vp_reset": "resets the device",
    "add_status": "tells the device how far its driver has come: {n}",
    "prime_stats": "gives the host an empty buffer for memory figures",
    "mutex_init": "makes {obj} a mutex that nobody holds",
    "spin_lock_init": "makes {obj} a spinlock that nobody holds",
    "init_list_head": "makes {obj} an empty list",
    "init_waitqueue_head": "makes {obj} a queue on which nobody sleeps",
    "kthread_run": "asks for a thread of the kernel",
    "kthread_begin": "begins",
    "put_task_struct": "drops what the kernel knows of a thread that has ended",
    "driver_request": "takes up a request",
    # workqueue
    "queue_work": ("asks for the work to be done", "finds that the work was asked for already"),
    "process_one_work": "begins the work",
    "work_done": "has done the work",
    "cancel_work": "takes the work off its queue",
    "flush_work": "goes on: the work is not being done",
}


def sentence(timeline: Timeline, step: int, threads: list[str]) -> str:
    """Step number `step` as a sentence, such as "vballoon puts page 0x2a41 on the list pages".

    A verb that has no sentence (a learner's own) is told as `Timeline.text` tells it. Raises IndexError for no step.
    """
    row = step - timeline.first
    if row < 0:
        raise IndexError(step)
    verb, result = timeline.verbs[timeline.verb[row]], timeline.result[row]
    told = SENTENCES.get(verb)
    if told is None:
        return timeline.text(step, threads)
    if not isinstance(told, str):
        told = told[_nothing(verb, result)]
    who = "" if timeline.thread[row] == OUTSIDE else threads[timeline.thread[row]] + " "
    words = told.format(
        page=f"page {timeline.page[row]:#x}",
        found=f"page {result:#x}" if result >= 0 else "something that is no page",
        other=f"{timeline.amount[row]:#x}",
        obj=timeline.objects[timeline.obj[row]],
        n=f"{timeline.amount[row]:,}",
        result="nothing" if result == NONE else f"{result:,}",
    )
    text = who + words
    return f"{text[0].upper() if not who else text[0]}{text[1:]}."


FINDS = frozenset(verb for verb, told in SENTENCES.items() if not isinstance(told, str) and "{found}" in told[0])


def _nothing(verb: str, result: int) -> bool:
    """Whether the second sentence holds: of what finds a page, page 0 is one."""
    return result == NONE or (result == 0 and verb not in FINDS)
