/* The page-by-page reference of the benchmarks: one zone of MOVABLE and UNMOVABLE pageblocks, by the same rules as balloonlab.memory.
 *
 * A buddy allocator with linked lists (head and tail insertion), and one with a bitmap for each order that always
 * takes the lowest block; compaction with two scanners by the rules of Linux 3.6 and 6.1. Page states: 0 free, 1 and 3
 * movable, 2 not movable, 9 set aside as a target.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ORDERS = 11, BLOCK = 512, BATCH = 32, TAKEN = 9 };

struct zone {
	int64_t pages;
	uint8_t *state;
	int8_t *order;		/* of the free block headed here, else -1 */
	int32_t *next, *prev;	/* pages, then one head for each order */
	int64_t count[ORDERS];
	uint64_t *map[ORDERS];	/* bitmap buddy: blocks of each order */
	int64_t low[ORDERS];	/* no block of the order lies in a word below this one */
	int bitmaps;
	uint8_t *kept;		/* by pageblock, whether it is UNMOVABLE: 6.1 takes no targets there */
};

static void put(struct zone *z, int64_t pfn, int order, int tail)
{
	z->order[pfn] = order;
	z->count[order]++;
	if (z->bitmaps) {
		int64_t at = pfn >> order;
		z->map[order][at >> 6] |= 1ull << (at & 63);
		if (at >> 6 < z->low[order])
			z->low[order] = at >> 6;
		return;
	}
	int32_t head = z->pages + order;
	int32_t before = tail ? z->prev[head] : head, after = z->next[before];
	z->next[before] = z->prev[after] = pfn;
	z->next[pfn] = after;
	z->prev[pfn] = before;
}

static void del(struct zone *z, int64_t pfn, int order)
{
	z->order[pfn] = -1;
	z->count[order]--;
	if (z->bitmaps) {
		int64_t at = pfn >> order;
		z->map[order][at >> 6] &= ~(1ull << (at & 63));
		return;
	}
	z->next[z->prev[pfn]] = z->next[pfn];
	z->prev[z->next[pfn]] = z->prev[pfn];
}

static int64_t first(struct zone *z, int order)
{
	if (!z->bitmaps)
		return z->next[z->pages + order];
	int64_t word = z->low[order];
	while (!z->map[order][word])
		word++;
	z->low[order] = word;
	return (word * 64 + __builtin_ctzll(z->map[order][word])) << order;
}

static void give_back(struct zone *z, int64_t pfn)
{
	int order = 0;
	z->state[pfn] = 0;
	while (order < ORDERS - 1) {
		int64_t buddy = pfn ^ (1 << order);
		if (buddy >= z->pages || z->order[buddy] != order)
			break;
		del(z, buddy, order);
		pfn &= buddy;
		order++;
	}
	int tail = 0;
	if (order < ORDERS - 2) {
		int64_t above = ((pfn >> (order + 1)) ^ 1) << (order + 1);
		tail = above < z->pages && z->order[above] == order + 1;
	}
	put(z, pfn, order, tail);
}

static int64_t take(struct zone *z)
{
	int order = 0;
	while (order < ORDERS && !z->count[order])
		order++;
	if (order == ORDERS)
		return -1;
	int64_t pfn = first(z, order);
	del(z, pfn, order);
	while (order > 0) {
		order--;
		put(z, pfn + (1 << order), order, 0);
	}
	return pfn;
}

struct zone *zone_new(const uint8_t *states, int64_t pages, int bitmaps)
{
	struct zone *z = calloc(1, sizeof *z);
	z->pages = pages;
	z->bitmaps = bitmaps;
	z->state = malloc(pages);
	z->order = malloc(pages);
	z->kept = calloc((pages + BLOCK - 1) / BLOCK, 1);
	memset(z->state, 1, pages);
	memset(z->order, -1, pages);
	if (bitmaps) {
		for (int o = 0; o < ORDERS; o++)
			z->map[o] = calloc((pages >> o) / 64 + 2, 8);
	} else {
		z->next = malloc((pages + ORDERS) * sizeof *z->next);
		z->prev = malloc((pages + ORDERS) * sizeof *z->prev);
		for (int o = 0; o < ORDERS; o++)
			z->next[pages + o] = z->prev[pages + o] = pages + o;
	}
	for (int64_t p = 0; p < pages; p++) {
		if (states[p])
			z->state[p] = states[p];
		else
			give_back(z, p);
	}
	return z;
}

void zone_delete(struct zone *z)
{
	for (int o = 0; o < ORDERS; o++)
		free(z->map[o]);
	free(z->next);
	free(z->prev);
	free(z->state);
	free(z->order);
	free(z->kept);
	free(z);
}

void zone_keep(struct zone *z, const uint8_t *kept)
{
	memcpy(z->kept, kept, (z->pages + BLOCK - 1) / BLOCK);
}

void zone_states(struct zone *z, uint8_t *states)
{
	memcpy(states, z->state, z->pages);
}

void recount(struct zone *z, int64_t *counts)
{
	memset(counts, 0, ORDERS * sizeof *counts);
	for (int64_t p = 0; p < z->pages;) {
		int order = z->order[p];
		if (order < 0) {
			p++;
		} else {
			counts[order]++;
			p += 1 << order;
		}
	}
}

int64_t walk(struct zone *z, int order, int32_t *pfns)
{
	int64_t n = 0;
	for (int32_t p = z->next[z->pages + order]; p < z->pages; p = z->next[p])
		pfns[n++] = p;
	return n;
}

int64_t inflate(struct zone *z, int64_t want, int32_t *pfns)
{
	int64_t n = 0;
	while (n < want) {
		int64_t pfn = take(z);
		if (pfn < 0)
			break;
		z->state[pfn] = 3;
		pfns[n++] = pfn;
	}
	return n;
}

void deflate(struct zone *z, int64_t n, const int32_t *pfns)
{
	for (int64_t i = 0; i < n; i++)
		give_back(z, pfns[i]);
}

static int64_t capture(struct zone *z, int64_t pfn, int32_t *list, int64_t n)
{
	int64_t pages = 1 << z->order[pfn];
	del(z, pfn, z->order[pfn]);
	for (int64_t i = 0; i < pages; i++) {
		z->state[pfn + i] = TAKEN;
		list[n++] = pfn + i;
	}
	return n;
}

/* A full run; pairs of (old, new) in order. The private list is a stack: what came last is used first. */
int64_t compact(struct zone *z, int rules, int32_t *pairs)
{
	int32_t batch[BLOCK], *list = malloc(z->pages * sizeof *list);
	uint8_t was[BLOCK];
	int64_t moved = 0, have = 0, last = 0, migrate = 0;
	int64_t target = rules == 36 ? z->pages / BLOCK * BLOCK : (z->pages - 1) / BLOCK * BLOCK;
	int failed = 0;

	while (!failed && (rules == 36 ? target > migrate : target / BLOCK > migrate / BLOCK)) {
		int64_t start = migrate, end, n = 0, limit = BATCH;
		if (rules == 36) {
			end = (migrate + 2 * BLOCK - 1) / BLOCK * BLOCK;
			if (end > target) {
				migrate = end;
				continue;
			}
		} else {
			end = migrate / BLOCK * BLOCK + BLOCK;
			if (last / BLOCK == migrate / BLOCK)
				limit = BLOCK;
		}
		while (migrate < end && n < limit) {
			if (rules != 36 && z->order[migrate] >= 0) {
				migrate += 1 << z->order[migrate];
			} else {
				if (z->state[migrate] == 1 || z->state[migrate] == 3)
					batch[n++] = migrate;
				migrate++;
			}
		}
		if (migrate > end)
			migrate = end;
		if (n)
			last = start;
		for (int64_t i = 0; i < n; i++)
			was[i] = z->state[batch[i]];
		for (int64_t i = n - 1; i >= 0; i--) {
			if (!have && rules == 36) {
				int64_t pfn = target, low = migrate + BLOCK, high = low < target ? low : target;
				for (; pfn > low && have < n; pfn -= BLOCK) {
					int64_t before = have, stop = pfn + BLOCK < z->pages ? pfn + BLOCK : z->pages;
					for (int64_t p = pfn; p < stop;) {
						if (z->order[p] < 0) {
							p++;
							continue;
						}
						int64_t size = 1 << z->order[p];
						have = capture(z, p, list, have);
						p += size;
					}
					if (have > before && pfn > high)
						high = pfn;
				}
				target = high;
			} else if (!have) {
				int64_t at = target / BLOCK * BLOCK, low = migrate / BLOCK * BLOCK + BLOCK;
				int64_t stop = at + BLOCK < z->pages ? at + BLOCK : z->pages, stride = 1;
				for (; at >= low; stop = at, at -= BLOCK, target = at) {
					if (z->order[at] >= 9 || z->kept[at / BLOCK])
						continue;
					int64_t before = have;
					while (target < stop) {
						if (z->order[target] < 0) {
							target += stride;
							continue;
						}
						int64_t size = 1 << z->order[target];
						have = capture(z, target, list, have);
						target += size;
						if (have >= n)
							break;
						target += stride - 1;
					}
					if (target > stop)
						target = stop;
					stride = have > before ? 1 : stride < BATCH ? 2 * stride : BATCH;
					if (have >= n) {
						if (target >= stop)
							target = at - BLOCK;
						break;
					}
				}
			}
			if (!have) {
				failed = 1;
				break;
			}
			int64_t new = list[--have];
			z->state[new] = was[i];
			pairs[2 * moved] = batch[i];
			pairs[2 * moved + 1] = new;
			moved++;
			give_back(z, batch[i]);
		}
	}
	while (have)
		give_back(z, list[--have]);
	free(list);
	return moved;
}
