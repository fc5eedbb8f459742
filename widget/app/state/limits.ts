import type { partLimits as protocolLimits } from '../../../src/protocol/index.ts'

/** The protocol's own, whose module would bring zod along; the type keeps them equal. */
export const partLimits: typeof protocolLimits = { parts: 10, text: 8_000 }

export interface Failure {
  readonly code: string
  readonly retryable: boolean
}
