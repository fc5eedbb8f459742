import type { Vault } from '../kernel/index.ts'
import type { Fault } from '../protocol/index.ts'
import type { Outgoing } from '../providers/outgoing.ts'
import type { HttpToolInput } from './definitionFields.ts'
import { builtInTools, type HttpTool } from './schema.ts'

/** `{name}` in an address. */
export const placeholders = /\{([a-zA-Z0-9_.-]{1,64})\}/g

/** What is wrong with tools that are well formed each by itself. */
export function faultsOfTools(tools: readonly HttpToolInput[], outgoing: Outgoing): Fault[] {
  const taken = new Set<string>(builtInTools)
  return tools.flatMap((tool, at) => {
    const path = `toolResources.httpTools.${at}`
    const faults = faultsOfAddress(tool, outgoing).map(message => ({ path: `${path}.url`, message }))
    if (taken.has(tool.name)) faults.push({ path: `${path}.name`, message: 'is the name of another tool' })
    taken.add(tool.name)
    return faults
  })
}

function faultsOfAddress({ url, parameters }: HttpToolInput, outgoing: Outgoing): string[] {
  const plain = url.replace(placeholders, 'x')
  if (!URL.canParse(plain)) return ['must be an address such as https://shop.example/orders/{id}']
  const { origin, href } = new URL(plain)
  const fixed = url.split('{')[0] ?? ''
  // Where it leads must not be the model's choice.
  if (!URL.canParse(fixed) || new URL(fixed).origin !== origin)
    return ['must have its arguments in path or query, not in its host']
  if (href.includes('#')) return ['must not have a part after #']
  const refused = outgoing.refusal(plain)
  if (refused !== undefined) return [refused]
  const { properties = {}, required = [] } = parameters as {
    properties?: Record<string, { type?: unknown }>
    required?: string[]
  }
  return [...url.matchAll(placeholders)].flatMap(([, name = '']) =>
    required.includes(name) && isScalar(properties[name]?.type)
      ? []
      : [`must name required arguments that are texts, numbers or truth values: {${name}} is none`],
  )
}

const isScalar = (type: unknown) => ['string', 'number', 'integer', 'boolean'].includes(String(type))

/**
 * As they are stored: what their headers say is sealed. Whoever changes a tool without naming its headers keeps them, but only for
 * the same origin: nobody gets to see a secret by having it sent elsewhere.
 */
export const sealTools = (
  vault: Vault,
  tools: readonly HttpToolInput[],
  before: readonly HttpTool[] = [],
): HttpTool[] =>
  tools.map(({ headers, ...tool }) => {
    if (!headers)
      return {
        ...tool,
        ...keptHeaders(
          tool.url,
          before.find(({ name }) => name === tool.name),
        ),
      }
    const headerNames = Object.keys(headers)
    if (headerNames.length === 0) return tool
    return { ...tool, headerNames, sealedHeaders: vault.seal(JSON.stringify(headers)) }
  })

function keptHeaders(
  url: string,
  before: HttpTool | undefined,
): Pick<HttpTool, 'headerNames' | 'sealedHeaders'> {
  if (before?.sealedHeaders === undefined || originOf(before.url) !== originOf(url)) return {}
  const { headerNames = [], sealedHeaders } = before
  return { headerNames, sealedHeaders }
}

const originOf = (url: string) => new URL(url.replace(placeholders, 'x')).origin
