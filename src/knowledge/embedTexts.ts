import type { Scope } from '../kernel/index.ts'
import { growing, pause } from '../kernel/index.ts'
import { embeddingCall } from './askServices.ts'
import type { SourceParts } from './parts.ts'
import { isServiceFailure } from './problems.ts'

/** As much as a service is asked for at a time: what fails is asked for again, and is paid for only once. */
const textsAtOnce = 96
const attempts = 6
const firstPauseMs = 500
const longestPauseMs = 60_000

export type EmbedParts = Pick<SourceParts, 'embedder' | 'recordCost'>

/** What is embedded of a passage: where it stands says what it is about. */
export const passageText = (title: string, { section, text }: { section: string; text: string }): string =>
  [title, section, text].filter(Boolean).join('\n')

/** A vector for each text. Tries again where that may help; what it has cost is recorded call by call, whatever follows. */
export async function embedTexts(
  scope: Scope,
  parts: EmbedParts,
  { sourceId, texts }: { readonly sourceId: string; readonly texts: readonly string[] },
  signal: AbortSignal,
): Promise<Float32Array[]> {
  const vectors: Float32Array[] = []
  for (let at = 0; at < texts.length; at += textsAtOnce) {
    const batch = texts.slice(at, at + textsAtOnce)
    const made = await patiently(() => parts.embedder.embed(batch, { kind: 'passage', signal }), signal)
    vectors.push(...made.vectors)
    const call = embeddingCall(parts.embedder, made.tokens, batch.length)
    if (call) await parts.recordCost(scope, { ...call, sourceId })
  }
  return vectors
}

async function patiently<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      if (!isServiceFailure(error) || !error.retryable || attempt + 1 >= attempts) throw error
      const { retryAfter } = error
      if (retryAfter !== undefined && retryAfter * 1_000 > longestPauseMs) throw error
      // Later by chance, so that all who were sent away do not come back together.
      const wait =
        retryAfter === undefined
          ? growing(firstPauseMs, attempt)
          : retryAfter * 1_000 * (1 + Math.random() / 4)
      await pause(wait, signal)
    }
  }
}
