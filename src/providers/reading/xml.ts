import { Parser } from 'htmlparser2'

export interface XmlHandler {
  /** Names and attributes come without the prefixes of their namespaces. */
  open(name: string, attributes: Readonly<Record<string, string>>): void
  close(name: string): void
  text?(text: string): void
}

/** Goes through XML from its beginning to its end. Entities of the document's own are not expanded. */
export function readXml(xml: string, handler: XmlHandler): void {
  const parser = new Parser(
    {
      onopentag: (name, attributes) => {
        const bare: Record<string, string> = Object.create(null)
        for (const key in attributes) bare[withoutPrefix(key)] = attributes[key] ?? ''
        handler.open(withoutPrefix(name), bare)
      },
      onclosetag: name => handler.close(withoutPrefix(name)),
      ontext: text => handler.text?.(text),
    },
    { xmlMode: true, decodeEntities: true },
  )
  parser.end(xml)
}

const withoutPrefix = (name: string) => name.slice(name.indexOf(':') + 1)
