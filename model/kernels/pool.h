/* A pool of threads that outlives its jobs. */

#ifndef CADENZA_POOL_H
#define CADENZA_POOL_H

/* One piece of a job. worker: 0 up to the job's threads, never the same for two pieces that run at one time. */
typedef void task(void *job, long piece, int worker);

/* Runs pieces 0 .. pieces - 1 on up to `threads` threads, the caller's among them, and returns when all are done. */
void pool_run(int threads, long pieces, task *run, void *job);

#endif
