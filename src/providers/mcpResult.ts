export interface McpAnswer {
  readonly text: string
  /** The tool says that it failed; the text is what it says. */
  readonly failed: boolean
}

/** What a tool gave back, as text: pictures and sounds are named, for a model cannot be sure to take them. */
export function readAnswer(result: object): McpAnswer {
  const failed = 'isError' in result && result.isError === true
  const content: unknown = 'content' in result ? result.content : []
  const texts = Array.isArray(content) ? content.map(textOf).filter(text => text !== '') : []
  if (texts.length > 0) return { text: texts.join('\n\n'), failed }
  const structured: unknown = 'structuredContent' in result ? result.structuredContent : undefined
  return { text: structured === undefined ? '' : JSON.stringify(structured), failed }
}

function textOf(item: unknown): string {
  if (!isRecord(item)) return ''
  if (item.type === 'text' && typeof item.text === 'string') return item.text
  if (item.type === 'resource' && isRecord(item.resource))
    return typeof item.resource.text === 'string' ? item.resource.text : '[a file]'
  if (item.type === 'resource_link' && typeof item.uri === 'string') return item.uri
  return item.type === 'image' || item.type === 'audio' ? `[${item.type}]` : ''
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null
