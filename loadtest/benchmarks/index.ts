import type { Benchmark } from '../harness/benchmark.ts'
import { fanout } from './fanout.ts'
import { jitter } from './jitter.ts'
import { memory } from './memory.ts'
import { scope } from './scope.ts'
import { write } from './write.ts'

/** Every benchmark, in the order in which they are listed. */
export const benchmarks: readonly Benchmark[] = [scope, write, fanout, memory, jitter]
