import { z } from 'zod'

/** What is read of a source. It is shown to members and written to the audit log, so it never holds a secret. */

const pattern = z
  .string()
  .min(1, 'must not be empty')
  .max(200, 'must have at most 200 characters')
  .regex(/^[^\p{Cc}]*$/u, 'must not contain control characters')
const patterns = z.array(pattern).max(50, 'must have at most 50 patterns').default([])
const matched = (what: string) => `Which ${what} are read; \`*\` stands for any characters. None: all`

export const siteSettings = z.strictObject({
  mode: z
    .enum(['page', 'site'])
    .default('page')
    .describe('The page alone, or what sitemaps and links lead to'),
  maxPages: z.int().min(1).max(100_000).default(200),
  maxDepth: z.int().min(0).max(20).default(5).describe('Links from the first page'),
  maxSeconds: z.int().min(1).max(7_200).default(1_800),
  include: patterns.describe(matched('paths')),
  exclude: patterns.describe('Which of these are left out'),
})

export const repositorySettings = z.strictObject({
  repository: z
    .string()
    .trim()
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9-]{0,38}\/(?!\.{1,2}$)[\w.-]{1,100}$/,
      'must be an owner and a name such as octo/handbook',
    ),
  branch: z
    .string()
    .trim()
    .regex(/^(?!-)(?!.*\.\.)[\w./-]{1,200}$/, 'must be the name of a branch')
    .optional(),
  maxFiles: z.int().min(1).max(100_000).default(500),
  include: patterns.describe(matched('files')),
  exclude: patterns.describe('Which of these are left out'),
})

export type SiteSettings = z.output<typeof siteSettings>
export type RepositorySettings = z.output<typeof repositorySettings>
