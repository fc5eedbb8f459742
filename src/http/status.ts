import { z } from 'zod'
import { version } from '../kernel/index.ts'
import { publicRoute, type Route } from './route.ts'

export interface Part {
  readonly name: string
  readonly state: 'built in' | 'connected' | 'configured' | 'not configured'
  readonly detail: string
}

/** Places for people that are not part of every version; the start page links those that are served. */
export const doors = ['demo', 'console'] as const

export interface Installation {
  readonly parts: readonly Part[]
  readonly accounts: {
    /** Whether strangers may create an account. */
    readonly signUp: boolean
    /** Beside the password. */
    readonly providers: readonly string[]
  }
  /** Whether there is a demo workspace, whose login stands in the terminal. */
  readonly demoLogin: boolean
  readonly doors: readonly (typeof doors)[number][]
}

const statusView = z.object({
  version: z.string(),
  parts: z.array(z.object({ name: z.string(), state: z.string(), detail: z.string() })),
  accounts: z.object({ signUp: z.boolean(), providers: z.array(z.string()) }),
  demoLogin: z.boolean(),
  doors: z.array(z.enum(doors)),
})

/** What runs here, for the start page. Says which kind of service is used, never where it is. */
export const statusRoute = (installation: Installation): Route =>
  publicRoute({
    method: 'get',
    path: '/api/v1/status',
    tag: 'Status',
    summary: 'Version and parts of this installation',
    reply: statusView,
    handle: async () => ({ version, ...installation }),
  })
