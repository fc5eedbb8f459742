import OpenAI, { APIConnectionError, APIError } from 'openai'
import type { Secret } from '../kernel/index.ts'
import { connectionFailure, failureOf, type ServiceFailure } from './failure.ts'

export interface OpenaiSettings {
  /** Unset for servers that ask for none. */
  readonly apiKey?: Secret | undefined
  /** With or without a slash at its end. Unset: OpenAI itself. */
  readonly baseUrl?: string | undefined
}

const openaiItself = 'https://api.openai.com/v1'

export const isOpenaiItself = ({ baseUrl }: OpenaiSettings): boolean =>
  baseUrl === undefined || new URL(baseUrl).hostname === 'api.openai.com'

/** Everything that the library would take from the environment is said here: the configuration is read in one place. */
export const createOpenaiClient = ({ apiKey, baseUrl = openaiItself }: OpenaiSettings): OpenAI =>
  new OpenAI({
    apiKey: apiKey?.reveal() ?? 'none',
    baseURL: baseUrl.replace(/\/+$/, ''),
    organization: null,
    project: null,
    adminAPIKey: null,
    webhookSecret: null,
    logLevel: 'off',
    maxRetries: 0,
    // Never reached: our own limits are narrower, and say which of them it was.
    timeout: 24 * 60 * 60 * 1_000,
  })

/** `begun`: whether the service had accepted the request. */
export function failureOfOpenai(error: unknown, begun: boolean): ServiceFailure {
  if (!(error instanceof APIError) || error instanceof APIConnectionError)
    return connectionFailure(error, begun)
  const { status, headers, code, type, message } = error
  const failure = failureOf({ status, headers, code, type, message })
  return begun && failure.kind === 'unavailable' ? connectionFailure(error, true) : failure
}
