import type { Benchmark } from '../harness/benchmark.ts'
import { answers } from './answers.ts'
import { fanout } from './fanout.ts'
import { jitter } from './jitter.ts'
import { memory } from './memory.ts'
import { redisOutage } from './redisOutage.ts'
import { retrieval } from './retrieval.ts'
import { scope } from './scope.ts'
import { stream } from './stream.ts'
import { widget } from './widget.ts'
import { write } from './write.ts'

/** Every benchmark, in the order in which they are listed. */
export const benchmarks: readonly Benchmark[] = [
  scope,
  write,
  fanout,
  memory,
  jitter,
  redisOutage,
  retrieval,
  stream,
  answers,
  widget,
]
