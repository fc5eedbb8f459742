import { setTimeout as sleep } from 'node:timers/promises'

/** As it stands: with what nobody has collected yet, and with the pages that V8 keeps for later. */
export const residentBytes = (): number => process.memoryUsage.rss()

/**
 * After everything that can be collected is, and what is freed has been given back. An ordinary collection keeps the pages that it
 * frees for later: how many says how much was allocated lately, not what connections hold. The last resort gives them back.
 */
export async function collectedBytes(): Promise<number> {
  await sleep(1_000)
  for (let round = 0; round < 4; round++) {
    globalThis.gc?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })
    await sleep(250)
  }
  return process.memoryUsage.rss()
}

/** What can be reached after everything else was collected: in V8's heap and beside it, without the pages it lies in and without the system's own handles. */
export async function liveBytes(): Promise<number> {
  await collectedBytes()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
