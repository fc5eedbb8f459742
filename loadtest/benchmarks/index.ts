import type { Benchmark } from '../harness/benchmark.ts'
import { scope } from './scope.ts'

/** Every benchmark, in the order in which they are listed. */
export const benchmarks: readonly Benchmark[] = [scope]
