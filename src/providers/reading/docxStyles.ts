import { readXml } from './xml.ts'

/** What a style makes of a paragraph. */
export interface Style {
  /** 1 to 9 for a heading. */
  readonly level?: number
  readonly list?: ListPlace
}

/** A list and the level in it. */
export interface ListPlace {
  readonly list: string
  readonly depth: number
}

export interface Styles {
  of(id: string | undefined): Style
  readonly language: string | undefined
}

interface Declared {
  name: string
  basedOn: string | undefined
  outline: number | undefined
  list: string | undefined
  depth: number
}

/** Names of built-in styles are English in every language of Word; their ids are not. */
export function readStyles(xml: string): Styles {
  const declared = new Map<string, Declared>()
  let style: Declared | undefined
  let language: string | undefined
  readXml(xml, {
    open: (name, { styleId, type, val }) => {
      if (name === 'style') {
        style = { name: '', basedOn: undefined, outline: undefined, list: undefined, depth: 0 }
        if (type === 'paragraph' && styleId !== undefined) declared.set(styleId, style)
      } else if (name === 'lang' && !style) language ??= val
      else if (!style || val === undefined) return
      else if (name === 'name') style.name = val
      else if (name === 'basedOn') style.basedOn = val
      else if (name === 'outlineLvl') style.outline = Number(val)
      else if (name === 'numId') style.list = val
      else if (name === 'ilvl') style.depth = Number(val)
    },
    close: name => {
      if (name === 'style') style = undefined
    },
  })
  const found = new Map<string, Style>()
  const of = (id: string | undefined, seen = 0): Style => {
    const own = id === undefined ? undefined : declared.get(id)
    // Styles that are based on each other in a circle are a fault that must not hang.
    if (id === undefined || !own || seen > 20) return {}
    const known = found.get(id)
    if (known) return known
    const base = of(own.basedOn, seen + 1)
    const level = levelOf(own) ?? base.level
    const list = own.list === undefined ? base.list : { list: own.list, depth: own.depth }
    const style = { ...(level !== undefined && { level }), ...(list && { list }) }
    found.set(id, style)
    return style
  }
  return { of, language }
}

function levelOf({ name, outline }: Declared): number | undefined {
  const numbered = /^heading ([1-9])$/i.exec(name)?.[1]
  if (numbered) return Number(numbered)
  if (/^title$/i.test(name)) return 1
  // Nine is Word's way to say that it is none.
  return outline !== undefined && outline >= 0 && outline < 9 ? outline + 1 : undefined
}

/** Whether a list counts, by list and depth. */
export type Numbering = (place: ListPlace) => boolean

export function readNumbering(xml: string): Numbering {
  const counts = new Map<string, boolean>()
  const abstractOf = new Map<string, string>()
  let abstract = ''
  let list = ''
  let depth = ''
  readXml(xml, {
    open: (name, { abstractNumId, numId, ilvl, val }) => {
      if (name === 'abstractNum') abstract = abstractNumId ?? ''
      else if (name === 'lvl') depth = ilvl ?? ''
      else if (name === 'numFmt') counts.set(`${abstract}:${depth}`, val !== 'bullet' && val !== 'none')
      else if (name === 'num') list = numId ?? ''
      else if (name === 'abstractNumId' && val !== undefined) abstractOf.set(list, val)
    },
    close: () => undefined,
  })
  return place => counts.get(`${abstractOf.get(place.list) ?? ''}:${place.depth}`) ?? false
}
