/** Loaded into the program before it begins, so that it can be asked how large it is. Nothing of the program knows. */
import { isMainThread } from 'node:worker_threads'
import { serveCalls } from '../harness/parts.ts'
import { collectedBytes, liveBytes, residentBytes } from './residence.ts'

// Threads of the program load it as well.
if (isMainThread) serveCalls({ collectedBytes, liveBytes, residentBytes })
