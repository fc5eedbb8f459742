/** A person, in the words of those who want one rather than a machine. */
const person =
  '(?:real |human |live |actual )?(?:person|human(?: being)?|someone|somebody|agent|operator|representative|rep|adviso?r|employee|colleague|member of (?:the )?(?:staff|team)|customer (?:service|support|care)|support team)'

const article = '(?:a |an |the |your |some |one of your )?'

/** Letters of any language end no word, so that `\b` will not do. Each place is looked for, so none is to be asked with `test`, which goes on where it was. */
const wish = (pattern: string): RegExp => new RegExp(`(?<![\\p{L}\\d])(?:${pattern})(?![\\p{L}\\d])`, 'giu')

const wishes: readonly RegExp[] = [
  wish(`(?:talk|speak|chat) (?:to|with) ${article}${person}(?! (?:who|named|called) |[ -](?:chat)?bots?)`),
  wish(
    `(?:connect|transfer|put|hand) (?:me |this |us )(?:over |through )?(?:to|with|on to) ${article}${person}`,
  ),
  wish(
    `(?:get me|give me|i want|i need|i(?:'|’)d like|i would like) (?:a |an )?(?:(?:real|human|live|actual) (?:person|human|agent|operator|representative|someone)|person|human(?: being)?|agent|operator)(?= *(?:please|now|here|instead|$|[.,!?]))`,
  ),
  wish(
    '(?<!(?:^| )(?:no|not an?) )(?:real|human|live) (?:person|human|agent|support|help)(?:,? please)?[.!?]*$',
  ),
  wish(
    'mit (?:(?:einem|einer|ihrem|eurem|dem|der) )?(?:(?:echten|richtigen|menschlichen) )?(?:menschen?|mitarbeiter(?:in)?|person|berater(?:in)?|kollegen|support|kundendienst|jemandem) (?:\\S+ ){0,3}?(?:sprechen|reden|verbunden|verbinden|schreiben|chatten|telefonieren)',
  ),
  wish(
    '(?:sprechen|reden|verbinden|verbinde)(?: (?!nicht )\\S+){0,3} mit (?:einem|einer) (?:\\S+ )?(?:menschen|mitarbeiter(?:in)?|berater(?:in)?)',
  ),
  wish(
    "(?:parler|discuter|être mise? en relation|échanger) (?:à|avec) (?:quelqu['’]un|(?:une? )(?:vraie? )?(?:humain|personne|conseill(?:er|ère)|agent|opérat(?:eur|rice)))",
  ),
  wish(
    'hablar con (?:alguien|una? (?:verdadera? )?(?:human[oa]|persona|agente|operador[a]?|asesor[a]?|representante))',
  ),
  wish(
    "(?:parlare|chattare) con (?:qualcuno|un(?:a |'|’| )(?:vera |vero )?(?:umano|persona|operatore|operatrice|addetto))",
  ),
  wish('falar com (?:alguém|uma? (?:human[oa]|pessoa|atendente|agente))'),
  wish(
    '(?:een |echte )*(?:mens|medewerker|persoon) (?:spreken|praten)|(?:spreken|praten) met (?:iemand|een (?:echte? )?(?:mens|medewerker|persoon))',
  ),
]

/** With the words that may stand between it and what is refused: "I do not want" + "to have to". */
const refusing = (refusal: string, then: string): string => `(?:${refusal})(?: (?:${then}))*`

/**
 * Whoever does not want to, or does not have to; "Can I not talk to a person?" is a wish all the same. It stands directly before what is refused:
 * whoever has no order number, or is without news, may want a person very much.
 */
const refused = new RegExp(
  `(?<![\\p{L}\\d])(?:${[
    refusing(
      "(?:(?:do|does|did|would|wo)(?: not|n['’]?t)|will not|never|rather not|no longer|not) (?:really |even |actually |just )?(?:want|need|have|wish|like|care|plan|try|trying|ask(?:ed|ing)?|looking|make)",
      'to|for|you|me|us|it|be|have|time|a|an|any|the|your|another',
    ),
    refusing(
      "do not|don['’]?t|rather not|prefer not|not to|without|(?<!can |could )never|no (?:need|wish|reason|time)",
      'for|me|to|having|have|ever|please',
    ),
    refusing(
      '(?:möchten?|will|wollen|wollte|muss|müssen|brauche|mag|würde|soll|sollst) (?:\\S+ ){0,2}?(?:nicht|nie|niemals|keine[nmrs]?)|bitte nicht|nicht nötig|keine? (?:lust|zeit|bedarf|grund)|ohne',
      'fall|umständen|mehr|gerne?|unbedingt|wirklich|erst|jetzt|noch|extra|wieder|zeit|lust|dazu',
    ),
    refusing(
      "n(?:e |['’])(?:veux|voulons|souhaite|voudrais|désire|dois|ai|aimerais|tiens|me \\S+) (?:\\S+ )?(?:pas|plus|jamais)|(?:veux|souhaite|voudrais|aimerais) pas|pas (?:besoin|envie)|inutile|sans",
      'à|de|du|tout|vraiment|besoin|envie|le|temps|avoir|devoir|même',
    ),
    refusing(
      'no (?:quiero|queremos|quisiera|necesito|deseo|hace falta|tengo|pienso|me (?:gusta|gustaría|interesa|apetece|hagas?))|sin',
      'que|de|ganas|tiempo|para|tener|volver|a|necesidad',
    ),
    refusing(
      "non (?:voglio|vogliamo|vorrei|desidero|devo|intendo|serve|occorre|ho (?:bisogno|voglia|tempo)|c['’]è bisogno|mi (?:va|interessa|serve|piace|piacerebbe|fate|faccia))|senza",
      'di|più|affatto|dover|dovere|bisogno',
    ),
    refusing(
      '(?:não|nao) (?:quero|queremos|queria|preciso|desejo|gostaria|pretendo|tenho|me (?:interessa|apetece|faça))|sem',
      'de|em|para|mais|ter|que|tempo|vontade|interesse|precisar',
    ),
    refusing(
      '(?:wil|willen|hoef|wens|moet) (?:\\S+ ){0,2}?(?:niet|geen|nooit)|liever (?:niet|geen)|geen (?:zin|behoefte|tijd)|niet nodig|zonder',
      'te|met|meer|echt|per|se|graag|om|een',
    ),
  ].join('|')}) ?$`,
  'iu',
)
/** As Germans may put it: "Mit einem Menschen sprechen möchte ich nicht". */
const refusedAfter = /^ (?:möchte|will|wollte|muss|brauche|würde) (?:\S+ )?(?:nicht|nie|niemals)(?!\p{L})/iu

/** What others do, and whether there is something at all. */
const aboutOthers: readonly RegExp[] = [
  wish(
    '^(?:(?:and|so|how|why|when|what|which|where) )*(?:(?:do|does|did) (?:you|your|the|they|other|all|any|most)|(?:is|are) there (?:\\S+ ){0,3}(?:support|help|service)$|(?:can|will|must|should|may) (?:your|the|they|other))',
  ),
  wish('^(?:\\S+ ){0,3}?(?:ihre|eure|vos|sus|i vostri|os seus|jullie|uw)'),
]
const oneself =
  /(?<!\p{L})(?:i|me|my|we|us|ich|mir|mich|wir|uns|je|moi|nous|yo|me|nos|io|mi|ci|eu|ik|mij|wij|ons)(?!\p{L})/iu

/** One clause may say what is not wanted, and the next what is. */
const clauseEnds =
  /\s*(?:[.!?;,…:¿¡]+|(?<!\p{L})(?:but|sondern|aber|mais|pero|sino|però|mas|maar)(?!\p{L}))\s*/iu

const isWanted = (clause: string, { 0: said, index }: RegExpExecArray): boolean =>
  !refused.test(clause.slice(0, index)) && !refusedAfter.test(clause.slice(index + said.length))

const isWish = (clause: string): boolean =>
  wishes.some(pattern => [...clause.matchAll(pattern)].some(found => isWanted(clause, found))) &&
  (oneself.test(clause) || !aboutOthers.some(pattern => clause.search(pattern) >= 0))

/** Whether a visitor asks for a person; a tenant may add words of its own. */
export function asksForPerson(text: string, phrases: readonly string[] = []): boolean {
  const said = text.slice(0, 1_000).replace(/\s+/g, ' ').trim()
  if (said.split(clauseEnds).some(isWish)) return true
  const folded = said.toLocaleLowerCase()
  return phrases.some(phrase => phrase.trim() !== '' && folded.includes(phrase.trim().toLocaleLowerCase()))
}
