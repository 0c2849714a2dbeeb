/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a worker does in a turn without work. adaptive: pause, then sleep, longer each time up to
 * 100 us; after a while it sleeps until a frame or a message comes, if all its ports can wake it
 * (sockets can). interrupt: the latter at once. busy: pause only. Before a sleep that an event ends
 * it says so and makes one more turn, so that whatever came before is seen.
 */
#include <sched.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <rte_epoll.h>
#include <rte_interrupts.h>
#include <rte_pause.h>

#include "dpdk/worker.h"

#define SPIN_TURNS   256 /* empty turns before the first sleep */
#define SLEEP_NS     1000
#define SLEEP_NS_MAX 100000
#define NAPS_MAX     2000 /* about 0.2 s of them */
#define WAIT_MS	     50	  /* sessions end and snapshots change also when nothing comes */

void idle_open(struct worker *w)
{
	struct workers *all = w->all;

	/* the kernel's default rounds short sleeps up by 50 us */
	prctl(PR_SET_TIMERSLACK, 1000, 0, 0, 0);
	if (all->idle == IDLE_BUSY)
		return;
	w->wake_event.epdata.event = EPOLLIN;
	w->all_wake =
		rte_epoll_ctl(RTE_EPOLL_PER_THREAD, EPOLL_CTL_ADD, w->wake_fd, &w->wake_event) == 0;
	for (unsigned i = 0; w->polls && i < ports_count(all->ports); i++) {
		struct port *port = ports_at(all->ports, i);

		if (port_wait_add(port, w->number))
			continue;
		w->all_wake = false;
		if (all->idle == IDLE_INTERRUPT)
			log_warning(
				all->log, "worker",
				"this device cannot wake a worker, so it is polled, with sleeps "
				"of up to 100 us when idle",
				"worker=%u port=%s", w->number, port_name(port));
	}
}

void worker_wake(struct worker *w)
{
	uint64_t one = 1;

	/* pairs with the fence in say_sleeping(): one of the two sees what the other wrote */
	atomic_thread_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&w->sleeping, memory_order_relaxed))
		(void)!write(w->wake_fd, &one, sizeof(one));
}

static void say_sleeping(struct worker *w, bool on)
{
	atomic_store_explicit(&w->sleeping, on, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned i = 0; w->polls && i < ports_count(w->all->ports); i++)
		port_wait_arm(ports_at(w->all->ports, i), w->number, on);
}

static bool wait_for_event(struct worker *w)
{
	struct rte_epoll_event event[8];
	uint64_t count;

	grace_offline(w->all->grace, w->number);
	rte_epoll_wait(RTE_EPOLL_PER_THREAD, event, 8, WAIT_MS);
	grace_online(w->all->grace, w->number);
	(void)!read(w->wake_fd, &count, sizeof(count));
	return true;
}

static void nap(const struct worker *w, unsigned spin_turns)
{
	uint64_t ns = SLEEP_NS * (uint64_t)(1 + (w->empty_turns - spin_turns) / 4);
	struct timespec time = {.tv_nsec = (long)(ns < SLEEP_NS_MAX ? ns : SLEEP_NS_MAX)};

	nanosleep(&time, NULL);
}

bool idle_turn(struct worker *w, unsigned work)
{
	bool is_quiet = serve_idle(w->serve) && !w->role_busy, is_idle = work == 0 && is_quiet;
	unsigned spin_turns = w->shares_cpu ? 4 : SPIN_TURNS;

	atomic_store_explicit(&w->quiet, is_quiet, memory_order_relaxed);
	w->empty_turns = is_idle ? w->empty_turns + (w->empty_turns < UINT32_MAX) : 0;
	if (!is_idle && atomic_load_explicit(&w->sleeping, memory_order_relaxed))
		say_sleeping(w, false);
	if (work > 0)
		return false;
	if (!is_idle && w->shares_cpu)
		sched_yield(); /* what it waits for needs this CPU */
	else if (w->empty_turns <= spin_turns || w->all->idle == IDLE_BUSY)
		rte_pause();
	else if (!w->all_wake ||
		 (w->all->idle == IDLE_ADAPTIVE && w->empty_turns < spin_turns + NAPS_MAX))
		nap(w, spin_turns);
	else if (!atomic_load_explicit(&w->sleeping, memory_order_relaxed))
		say_sleeping(w, true);
	else
		return wait_for_event(w);
	return false;
}
