/** What a question asks for, and what a sentence that answers it looks like. */
export interface Kind {
  readonly asked: RegExp
  readonly answered: RegExp
  /** Words of the question that a sentence answers by looking so, whether or not it has them. */
  readonly said: RegExp
  /** Of two sentences that look so, the one that also has this. */
  readonly rather?: RegExp
  /** Sentences that do not look so may answer all the same. */
  readonly loose?: boolean
}

const amount =
  /[$€£¥₹]|\b(?:usd|eur|gbp|chf|euros?|dollars?|cents?|free|half|kostenlos|gratis|gratuit\w*)\b|\d\s?%/iu
const date =
  /\b\d{1,2}:\d{2}\b|\b\d{1,2}(?:\.\d{2})?\s?(?:am|pm|uhr)\b|\b(?:19|20)\d\d\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b|\b(?:january|february|march|april|june|july|august|september|october|november|december|montags?|dienstags?|mittwochs?|donnerstags?|freitags?|samstags?|sonntags?|januar|februar|märz|mai|juni|juli|oktober|dezember|lundi|lunes)\b/iu
const number = String.raw`(?:\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|twelve|ein|eine|einem|zwei|drei|vier|fünf|deux|trois|dos|tres)\b)`
const span = new RegExp(
  String.raw`${number}\S*\s?(?:-|to|bis|à|a)?\s?(?:\d+|three|four|five|six|seven|eight|ten|twelve)?\s?(?:business |working )?(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?|sekunden?|minuten?|stunden?|tagen?|werktagen?|wochen?|monaten?|jahren?|jours?|semaines?|mois|ans?|heures?|d[ií]as?|semanas?|meses|años?|horas?)\b`,
  'iu',
)
const moment = new RegExp(
  `${date.source}|${span.source}|\\b(?:when|until|once|as soon as|sobald|bis|sobre|dès que|cuando)\\b`,
  'iu',
)

const kinds: readonly Kind[] = [
  {
    asked: /\bhow long\b.{1,40}\bbe\b|\bhow many characters\b/iu,
    answered: /\d\s?(?:characters|letters|digits|words|pages|mm|cm|m)\b/iu,
    said: /^(?:long|characters)$/iu,
  },
  {
    asked: /\bhow long\b.{1,40}\btakes?\b|\b(?:delivery|lead|waiting) time\b|\blieferzeit\b/iu,
    answered: span,
    said: /^(?:long|time|lieferzeit)$/iu,
    rather: /\btakes?\b/iu,
  },
  {
    asked:
      /\bhow long\b|\bwie lange?\b|\bcombien de temps\b|\bcuánto (?:tiempo|dura|tarda)\b|\bhow (?:many|soon)\b.{0,12}\b(?:days|weeks|hours|months|years)\b|\bwie viele (?:tage|wochen|monate|jahre)\b/iu,
    answered: span,
    said: /^(?:long|lange?|temps|tiempo|dura|tarda|time|days?|weeks?|hours?|months?|years?|tage|wochen|monate|jahre)$/iu,
    rather: /\b(?:lasts?|within|valid|dauert|innerhalb)\b/iu,
  },
  {
    asked:
      /\bhow much\b(?! (?:weight|time))|\bcosts?\b|\bprices?\b|\bfees?\b|\bamount\b|\bcharge\b|\bwas kostet\b|\bwie teuer\b|\bpreis|\bkosten\b|\bprix\b|\bcombien coûte|\bcuánto (?:cuesta|vale)\b|\bprecio|\bwhat (?:do|would|will|must) (?:i|we) (?:have to )?pay\b/iu,
    answered: amount,
    said: /^(?:costs?|prices?|fees?|amount|charge|pay|kostet|kosten|teuer|preise?|prix|coûte|cuesta|vale|precios?)$/iu,
  },
  {
    asked:
      /\bwhen\b|\bwhat times?\b|\bhours\b|\bwann\b|\bquand\b|\bcuándo\b|\bquando\b|öffnungszeiten|\bhoraires?\b|\bhorarios?\b/iu,
    answered: moment,
    said: /^(?:times?|hours?|öffnungszeiten|horaires?|horarios?)$/iu,
    rather: date,
  },
  {
    asked: /\bhow (?:often|frequently)\b|\bwie oft\b|\bcon qué frecuencia\b/iu,
    answered: /\b(?:once|twice|daily|weekly|monthly|yearly|every|each|per|einmal|zweimal|jede\w*|pro)\b/iu,
    said: /^(?:often|frequently|oft|frecuencia)$/iu,
  },
  {
    asked:
      /\bhow (?:heavy|much weight)\b|\b(?:weigh\w*|weight|load)\b|\bwie (?:schwer|viel wiegt)\b|\bpes[ao]\b/iu,
    answered: /\d\s?(?:kg|g|t|lbs?)\b/iu,
    said: /^(?:heavy|weigh\w*|load|schwer|wiegt|pes[ao])$/iu,
  },
  {
    asked:
      /\bhow (?:tall|wide|high|deep|close|far|big|large)\b|\b(?:size|dimensions?|measurements?|wider|taller|longer|deeper|higher|height|width|depth)\b|\bwie (?:groß|hoch|breit|tief|weit)\b|\babmessungen\b/iu,
    answered: /\d\s?(?:mm|cm|m|km|in|ft)\b/iu,
    said: /^(?:tall|wide|high|deep|close|far|big|large|size|dimensions?|measurements?|wider|taller|longer|deeper|higher|height|width|depth|groß|hoch|breit|tief|weit|abmessungen)$/iu,
  },
  {
    asked: /\bhow many\b|\bwie viele\b|\bhow old\b|\bcombien\b|\bcuánt[oa]s\b/iu,
    answered: /\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|zwei|drei|vier|fünf)\b/iu,
    said: /^old$/iu,
  },
  {
    asked:
      /\bhow (?:do|can|should|could|must|to)\b|\bwhat (?:should|must|can) i do\b|\bwie (?:kann|muss|soll)\b|\bcomment\b|\bcómo\b/iu,
    answered:
      /^(?:please )?\p{Lu}\p{Ll}+ (?:it|them|us|the|your|a|an|with|on|in|to)\b|\b(?:you can|can be|press|choose|open|click|write to|call|contact|sie können|vous pouvez|puede)\b|›/u,
    said: /^how$/iu,
    loose: true,
  },
  {
    asked: /\bwho\b|\bwhom\b|\bwer\b|\bqui\b|\bquién\b|\bchi\b/iu,
    answered: /(?<!^)(?<![.!?]\s)\b\p{Lu}\p{Ll}+|\bby (?:us|the)\b/u,
    said: /^who$/iu,
    loose: true,
  },
  {
    asked:
      /\bwhere\b|\bwhich (?:city|cities|country|countries|town|place)\b|\bwo\b|\boù\b|\bdónde\b|\bdove\b/iu,
    answered: /\b(?:in|at|on|under|im|am|unter|à|en|chez|from)\s+(?:the\s|der\s|dem\s|your\s)?\p{L}{3}/u,
    said: /^(?:city|cities|country|countries|town|place)$/iu,
    loose: true,
  },
]

/** The one that is asked first: "How much is it when …" asks for an amount. */
export function kindOf(question: string): Kind | undefined {
  let first: Kind | undefined
  let least = Number.POSITIVE_INFINITY
  for (const kind of kinds) {
    const at = kind.asked.exec(question)?.index ?? Number.POSITIVE_INFINITY
    if (at < least) {
      first = kind
      least = at
    }
  }
  return first
}

/** They say what the answer looks like, not what it is about. */
const units =
  /^(?:days?|weeks?|months?|years?|hours?|minutes?|times?|amount|price|cost|fee|size|city|cities|country|countries|town|place|things?|happens|does|will|should|must|can|about|tagen?|wochen?|monaten?|jahren?|jours?|mois|d[ií]as?|meses|años?|heures?|horas?|zeit|sind|ist|sont|est)$/iu

/** What the question asks which of, or how many of: "bulb" in "Which bulb does the lamp need?". */
export function wantedOf(question: string): string | undefined {
  const [, word] =
    /\b(?:which|what|how many|welche[rsnm]?|wie viele|quel(?:le)?s?|cuánt[oa]s)\s+(\p{L}{3,})/iu.exec(
      question,
    ) ?? []
  return word === undefined || units.test(word) ? undefined : word.toLowerCase()
}
