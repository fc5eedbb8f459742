import type { Language } from './words.ts'

/** What people say without wanting to know anything. */
export type SmallTalk = 'greeting' | 'thanks' | 'goodbye' | 'nod'

/**
 * As patterns, with `_` between words that belong together. What may stand beside them says nothing by itself: "no", "not", "help" and the like
 * only ever count within what is always said so, or "No, that is not it, thanks" would be thanks, and "Hi, help me" a greeting.
 */
const said: Readonly<Record<Language, Readonly<Record<SmallTalk | 'beside', string>>>> = {
  en: {
    greeting:
      '(?:hello|hi|hey)(?:_there)? hiya howdy yo hallo greetings good_(?:morning|afternoon|evening|day) morning evening how_are_you(?:_doing)?(?:_today)? and_you how_is_it_going how’s_it_going nice_to_meet_you pleased_to_meet_you what_is_up what’s_up whats_up (?:i_have|i’ve_got|i_got)_a_(?:(?:quick|short|small|simple)_)?question(?:_for_you)? (?:can|may|could)_i_ask_(?:you_)?(?:something|a_(?:quick_)?question)',
    thanks:
      'thanks thank_you thankyou thx ty cheers much_appreciated appreciate_it appreciated many_thanks no_thanks no_thank_you that_helps that_helped that_was_helpful very_helpful',
    goodbye:
      'bye goodbye bye_bye see_you see_ya cya farewell good_night take_care have_a_(?:nice|good|great|lovely)_(?:day|evening|weekend|one) talk_to_you_later until_next_time',
    nod: 'ok okay k okey alright all_right great good cool nice super perfect excellent awesome wonderful brilliant lovely fantastic amazing fine hm hmm hmmm mhm uh_huh aha ah oh wow lol haha hehe i_see got_it understood makes_sense sounds_good not_bad no_problem no_worries (?:no_)?(?:that_(?:is|was)|that’s|thats|it_is)_(?:all|everything|it) never_mind nevermind',
    beside:
      'there all everyone everybody team to_(?:you|all|everyone) again so very really just a_lot much you_too for_(?:that|this|everything|now|all_that) for_(?:all_)?(?:the|your|this)_(?:(?:quick|fast|great|good|kind|helpful)_)?(?:help|answer|reply|response|information|info|support|time) and well then now that_(?:is|was) that’s thats it_(?:is|was) it’s its this_is my_friend sir madam pine bot yes yeah yep not_now later tomorrow soon today you too i_am(?:_done)? i’m(?:_done)? dear',
  },
  de: {
    greeting:
      'hallo hi hey moin moin_moin servus grüezi grüß_gott guten_(?:morgen|tag|abend) tag wie_geht_es_(?:dir|ihnen|euch) wie_geht’s wie_gehts und_(?:dir|ihnen|selbst) (?:ich_(?:habe|hab|hätte)|hätte)_(?:da_)?(?:mal_)?(?:eine|ne)_(?:kurze_|kleine_)?frage (?:darf|kann|dürfte)_ich_(?:(?:sie|dich|euch)_)?(?:mal_)?(?:etwas|was)_fragen',
    thanks: 'danke dankeschön vielen_dank besten_dank herzlichen_dank tausend_dank dank merci nein_danke',
    goodbye:
      'tschüss tschüß tschau ciao auf_wiedersehen wiedersehen auf_wiederhören bis_bald bis_dann bis_später bis_morgen gute_nacht schönen_tag schönen_tag_noch schönen_abend schönes_wochenende',
    nod: 'ok okay gut super toll prima klasse perfekt wunderbar alles_klar verstanden verstehe in_ordnung aha ach ach_so achso hm hmm ja_gut schön cool passt genau einverstanden (?:nein_)?das_(?:ist|war|wäre)_alles (?:nein_)?das_war’s',
    beside:
      'sehr schön zusammen dir ihnen euch und noch einen dann ja gut schon mal das_(?:ist|war) es_(?:ist|war) so nochmals auch dafür für_alles für_(?:die|deine|ihre|eure)_(?:(?:schnelle|gute|nette|tolle)_)?(?:hilfe|antwort|auskunft|information|infos?)',
  },
  fr: {
    greeting:
      'bonjour bonsoir salut coucou allô allo ça_va comment_ça_va comment_allez_vous et_(?:vous|toi) enchanté (?:j’ai|j’aurais)_une_(?:petite_)?question (?:puis_je|je_peux)_(?:vous_)?poser_une_question',
    thanks: 'merci merci_beaucoup mille_mercis non_merci je_vous_remercie je_te_remercie',
    goodbye: 'au_revoir à_bientôt à_plus à_demain adieu bonne_journée bonne_soirée bonne_nuit bon_week_end',
    nod: 'ok okay d’accord daccord super parfait génial excellent très_bien bien cool hm hmm ah ah_bon entendu compris je_vois c’est_noté ça_marche (?:non_)?c’est_(?:tout|bon)',
    beside:
      'à_(?:tous|vous|toi) tout_le_monde bien beaucoup infiniment et oui alors c’est c’était vous toi très madame monsieur pour_(?:tout|cela|ça) pour_(?:l’|(?:votre|ton|la|ta|cette)_)(?:bonne_)?(?:aide|réponse|informations?)',
  },
  es: {
    greeting:
      'hola buenas buenos_días buenos_dias buenas_tardes buenas_noches qué_tal que_tal cómo_estás como_estas cómo_está y_(?:tú|usted) saludos tengo_una_(?:pregunta|duda|consulta) (?:puedo|podría)_hacer(?:te|le)?_una_(?:pregunta|consulta)',
    thanks: 'gracias muchas_gracias mil_gracias muchísimas_gracias no_gracias te_lo_agradezco',
    goodbye:
      'adiós adios hasta_luego hasta_pronto hasta_mañana chao chau nos_vemos buen_día que_tengas_buen_día',
    nod: 'ok okay vale bien bueno genial perfecto estupendo excelente de_acuerdo entendido entiendo claro muy_bien hm hmm ah guay súper super (?:no_)?(?:eso_)?es_todo',
    beside:
      'a_todos y sí si pues entonces muy muchas de_nuevo eso_es por_todo por_(?:su|tu|la)_(?:ayuda|respuesta|información)',
  },
  it: {
    greeting:
      'ciao salve buongiorno buonasera buon_giorno buona_sera come_stai come_sta come_va e_(?:tu|lei) (?:ho|avrei)_una_domanda (?:posso|potrei)_(?:fare|farle|farti)_una_domanda',
    thanks: 'grazie grazie_mille mille_grazie molte_grazie tante_grazie ti_ringrazio la_ringrazio no_grazie',
    goodbye:
      'arrivederci addio a_presto a_domani buona_notte buonanotte buona_giornata buona_serata ci_vediamo',
    nod: 'ok okay va_bene bene perfetto ottimo fantastico eccellente capito d’accordo certo hm hmm ah bello (?:no_)?è_tutto',
    beside:
      'a_tutti e sì si allora molto tante davvero di_nuovo per_tutto per_(?:l’|(?:il_(?:tuo|suo)|la|la_(?:tua|sua))_)(?:aiuto|risposta)',
  },
  pt: {
    greeting:
      'olá ola oi bom_dia boa_tarde boa_noite tudo_bem como_vai como_está e_(?:você|tu) e_aí (?:tenho|tinha)_uma_(?:pergunta|dúvida|duvida|questão) posso_(?:fazer|te_fazer)_uma_pergunta',
    thanks: 'obrigado obrigada muito_obrigado muito_obrigada valeu brigado não_obrigado não_obrigada',
    goodbye: 'tchau adeus até_logo até_mais até_amanhã até_breve bom_fim_de_semana',
    nod: 'ok okay certo ótimo otimo perfeito legal excelente entendi entendido tá_bom está_bem beleza bem hm hmm ah (?:não_)?(?:isso_)?é_(?:só|tudo)(?:_isso)?',
    beside: 'a_todos e sim então muito de_novo por_tudo pela_(?:sua_)?(?:ajuda|resposta|informação)',
  },
  nl: {
    greeting:
      'hallo hoi hey hé dag goedemorgen goedemiddag goedenavond goedendag hoe_gaat_het en_(?:jij|u|met_jou) ik_heb_een_(?:korte_)?vraag (?:mag|kan)_ik_(?:(?:u|je)_)?(?:iets|wat)_vragen',
    thanks:
      'bedankt dank_je dank_u dankjewel dank_je_wel dank_u_wel dankuwel hartelijk_dank heel_erg_bedankt nee_bedankt',
    goodbye: 'doei dag tot_ziens tot_straks tot_morgen welterusten fijne_dag fijne_avond',
    nod: 'ok oké okay oke prima goed mooi top super perfect leuk begrepen duidelijk in_orde helder fijn hm hmm ah (?:nee_)?dat_(?:is|was)_(?:alles|het)',
    beside:
      'allemaal en ja dan heel erg zeer nog een wel dat_(?:is|was) voor_alles voor_(?:je|uw|de|het)_(?:snelle_)?(?:hulp|antwoord|informatie)',
  },
}

const kinds = ['goodbye', 'thanks', 'greeting', 'nod'] as const
const languages = Object.keys(said) as Language[]

/** Longer ones first, so that "good morning" is not read as "good". */
const anyOf = (words: string): string =>
  words
    .split(' ')
    .sort((one, other) => other.length - one.length)
    .map(word => word.replaceAll('_', ' '))
    .join('|')

const readers = languages.map(language => {
  const all = Object.values(said[language]).join(' ')
  const having = kinds.map(
    kind => [kind, new RegExp(`(?<![^ ])(?:${anyOf(said[language][kind])})(?![^ ])`, 'u')] as const,
  )
  return {
    ...{ language, having, only: new RegExp(`^(?:(?:${anyOf(all)})(?: |$))+$`, 'u') },
    greets: new RegExp(`(?<![^ ])(?:${anyOf(said[language].greeting)})$`, 'u'),
  }
})

const longest = 80
const pictures = /^(?:\p{Extended_Pictographic}|\p{Emoji_Modifier}|[\u200d\ufe0f♥\s!.])+$/u

/** What is said where all of it is small talk, and the languages in which it is; undefined where anything else is said. */
export function smallTalkOf(
  text: string,
): { readonly kind: SmallTalk; readonly languages: readonly Language[] } | undefined {
  if (text.length > longest) return undefined
  if (/\p{Extended_Pictographic}/u.test(text) && pictures.test(text)) return { kind: 'nod', languages }
  const plain = plainOf(text)
  // "How are you?" wants to know nothing. "Is it good?" does, and so does "Thanks, is that so?"
  const questions = text.split(/[?？]/).slice(0, -1).map(plainOf)
  const found = readers.flatMap(({ language, only, greets, having }) => {
    const isTalk = only.test(plain) && questions.every(question => question === '' || greets.test(question))
    const kind = isTalk ? having.find(([, pattern]) => pattern.test(plain))?.[0] : undefined
    return kind === undefined ? [] : [{ language, kind }]
  })
  const [first] = found
  return first && { kind: first.kind, languages: found.map(({ language }) => language) }
}

export const isSmallTalk = (text: string): boolean => smallTalkOf(text) !== undefined

/** In small letters, without marks; "heyyy" is "hey" and "soooo" is "so". */
const plainOf = (text: string): string =>
  text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll("'", '’')
    .replace(/(\p{L})\1{2,}/gu, '$1')
    .replace(/[^\p{L}\p{N}’]+/gu, ' ')
    .trim()
