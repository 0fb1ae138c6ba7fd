/* The pool of threads.
 *
 * - Pieces are handed out one by one: a thread that another process displaces holds up one piece, not its share.
 * - The caller works too and waits only for those who took a piece. Threads that never woke up are not missed.
 * - Who has nothing to do polls for some microseconds, the time between two layers' calls, and then sleeps.
 * - One job at a time: a second Python thread that comes meanwhile does its job alone.
 * - After fork() the child has no workers and starts its own.
 */

#include "pool.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

enum { POLLS = 2000 };

static struct {
    pthread_mutex_t job_lock; /* held by the thread whose job runs */
    pthread_mutex_t lock;     /* of everything below that is not atomic */
    pthread_cond_t wake, done;
    int workers; /* that were started */
    int places;  /* how many more may join the job */
    int joined;
    atomic_uint round; /* counts jobs */
    atomic_int active; /* workers that have joined and not finished */
    task *run;
    void *job;
    long pieces;
    atomic_long next;
} pool = {
    .job_lock = PTHREAD_MUTEX_INITIALIZER,
    .lock = PTHREAD_MUTEX_INITIALIZER,
    .wake = PTHREAD_COND_INITIALIZER,
    .done = PTHREAD_COND_INITIALIZER,
};

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void take_pieces(int worker)
{
    for (long piece; (piece = atomic_fetch_add(&pool.next, 1)) < pool.pieces;)
        pool.run(pool.job, piece, worker);
}

static void *work(void *start)
{
    for (unsigned seen = (unsigned)(size_t)start;;) {
        for (int poll = 0; poll < POLLS && atomic_load(&pool.round) == seen; poll++)
            relax();
        pthread_mutex_lock(&pool.lock);
        while (atomic_load(&pool.round) == seen)
            pthread_cond_wait(&pool.wake, &pool.lock);
        seen = atomic_load(&pool.round);
        int worker = 0;
        if (pool.places > 0) {
            pool.places--;
            worker = ++pool.joined;
            atomic_fetch_add(&pool.active, 1);
        }
        pthread_mutex_unlock(&pool.lock);
        if (worker == 0)
            continue;
        take_pieces(worker);
        pthread_mutex_lock(&pool.lock);
        if (atomic_fetch_sub(&pool.active, 1) == 1)
            pthread_cond_signal(&pool.done);
        pthread_mutex_unlock(&pool.lock);
    }
    return 0;
}

static void forget_workers(void)
{
    pthread_mutex_init(&pool.job_lock, 0);
    pthread_mutex_init(&pool.lock, 0);
    pthread_cond_init(&pool.wake, 0);
    pthread_cond_init(&pool.done, 0);
    pool.workers = pool.places = 0;
    atomic_store(&pool.active, 0);
}

static void watch_forks(void) { pthread_atfork(0, 0, forget_workers); }

/* Called with the lock held. Fewer workers than wanted is no error: the caller does what they would have done. */
static void start_workers(int wanted)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, watch_forks);
    sigset_t all, before; /* signals are for Python's threads */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    for (; pool.workers < wanted; pool.workers++) {
        pthread_t thread;
        if (pthread_create(&thread, 0, work, (void *)(size_t)atomic_load(&pool.round)))
            break;
        pthread_detach(thread);
    }
    pthread_sigmask(SIG_SETMASK, &before, 0);
}

void pool_run(int threads, long pieces, task *run, void *job)
{
    if (threads > pieces)
        threads = (int)pieces;
    if (threads < 2 || pthread_mutex_trylock(&pool.job_lock)) {
        for (long piece = 0; piece < pieces; piece++)
            run(job, piece, 0);
        return;
    }
    pthread_mutex_lock(&pool.lock);
    if (pool.workers < threads - 1)
        start_workers(threads - 1);
    pool.run = run;
    pool.job = job;
    pool.pieces = pieces;
    atomic_store(&pool.next, 0);
    pool.places = threads - 1;
    pool.joined = 0;
    atomic_fetch_add(&pool.round, 1);
    pthread_cond_broadcast(&pool.wake);
    pthread_mutex_unlock(&pool.lock);

    take_pieces(0);

    pthread_mutex_lock(&pool.lock);
    pool.places = 0;
    pthread_mutex_unlock(&pool.lock);
    for (int poll = 0; poll < POLLS && atomic_load(&pool.active); poll++)
        relax();
    pthread_mutex_lock(&pool.lock);
    while (atomic_load(&pool.active))
        pthread_cond_wait(&pool.done, &pool.lock);
    pthread_mutex_unlock(&pool.lock);
    pthread_mutex_unlock(&pool.job_lock);
}
