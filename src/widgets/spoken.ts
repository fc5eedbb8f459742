import type { OwnWords, ProactiveRule, WidgetConfig } from '../protocol/index.ts'
import type { WidgetSettings } from './settings.ts'

type Settings = Pick<WidgetConfig, 'behaviour' | 'launcher' | 'ownWords'>

/**
 * What the launcher says before the chat is there: its name, that something is unread, how to send a teaser away, that the chat cannot be had.
 * Here, because no page is to load the words of sixteen languages for a button. The same languages as in `widget/texts`.
 */
const words: Readonly<
  Record<string, readonly [chat: string, unread: string, dismiss: string, gone: string]>
> = {
  en: ['Chat', 'Unread', 'Dismiss', 'The chat is not available right now. Please try again.'],
  ar: ['محادثة', 'غير مقروءة', 'إخفاء', 'المحادثة غير متاحة الآن. يُرجى المحاولة مرة أخرى.'],
  de: [
    'Chat',
    'Ungelesen',
    'Ausblenden',
    'Der Chat ist gerade nicht erreichbar. Bitte noch einmal versuchen.',
  ],
  es: ['Chat', 'Sin leer', 'Ocultar', 'El chat no está disponible ahora. Inténtalo de nuevo.'],
  fr: ['Chat', 'Non lus', 'Masquer', 'Le chat est indisponible pour le moment. Veuillez réessayer.'],
  he: ['צ׳אט', 'לא נקראו', 'הסתרה', 'הצ׳אט אינו זמין כרגע. נסו שוב.'],
  it: ['Chat', 'Non letti', 'Nascondi', 'La chat non è disponibile in questo momento. Riprova.'],
  ja: ['チャット', '未読', '閉じる', '現在チャットを利用できません。もう一度お試しください。'],
  ko: ['채팅', '읽지 않음', '닫기', '지금은 채팅을 이용할 수 없습니다. 다시 시도해 주세요.'],
  nl: ['Chat', 'Ongelezen', 'Verbergen', 'De chat is nu niet bereikbaar. Probeer het opnieuw.'],
  pl: ['Czat', 'Nieprzeczytane', 'Ukryj', 'Czat jest teraz niedostępny. Spróbuj ponownie.'],
  pt: ['Chat', 'Não lidas', 'Ocultar', 'O chat não está disponível agora. Tente novamente.'],
  ru: ['Чат', 'Непрочитанные', 'Скрыть', 'Чат сейчас недоступен. Попробуйте ещё раз.'],
  tr: ['Sohbet', 'Okunmamış', 'Gizle', 'Sohbet şu anda kullanılamıyor. Lütfen yeniden deneyin.'],
  uk: ['Чат', 'Непрочитані', 'Сховати', 'Чат зараз недоступний. Спробуйте ще раз.'],
  zh: ['聊天', '未读', '关闭', '聊天暂时无法使用，请重试。'],
}

export const spokenLanguages: readonly string[] = Object.keys(words)

const rightToLeft = ['ar', 'he']

/** The first language that is spoken here: of those that the page names, in its order, then the tenant's own. */
export function spokenTo(wanted: readonly string[], settings: Settings): WidgetConfig['spoken'] {
  const { behaviour, launcher } = settings
  const language = firstSpoken([...wanted, behaviour.language]) ?? 'en'
  const [chat, unread, dismiss, unavailable] = words[base(language)] ?? words.en ?? ['', '', '', '']
  const own = ownWordsIn(language, settings.ownWords)
  return {
    language,
    direction: rightToLeft.includes(base(language)) ? 'rtl' : 'ltr',
    ...{ chat, unread, dismiss, unavailable },
    label: own?.launcherLabel ?? launcher.label ?? null,
    proactive: Object.fromEntries(behaviour.proactive.map(rule => [rule.id, messageOf(rule, own)])),
  }
}

/**
 * What a rule says to somebody who is spoken to in a language, as the teaser has it and as the log keeps it; undefined where there is no such rule.
 */
export function proactiveMessage(
  { behaviour, localeStrings }: Pick<WidgetSettings, 'behaviour' | 'localeStrings'>,
  ruleId: string,
  language: string | undefined,
): string | undefined {
  const rule = behaviour.proactive.find(({ id }) => id === ruleId)
  return rule && messageOf(rule, language === undefined ? undefined : ownWordsIn(language, localeStrings))
}

const messageOf = ({ id, message }: ProactiveRule, own: OwnWords | undefined): string =>
  own?.proactive?.[id] ?? message

const base = (tag: string): string => (tag.split('-')[0] ?? '').toLowerCase()

/** As languages are written everywhere: pages write what they like, and some of it is none. */
function firstSpoken(tags: readonly string[]): string | undefined {
  for (const tag of tags.filter(tag => Object.hasOwn(words, base(tag))))
    try {
      return new Intl.Locale(tag).baseName
    } catch {
      // It only begins like one.
    }
  return undefined
}

/** The tenant's own words in exactly this language, or in the first that is the same but for region and script. */
function ownWordsIn(language: string, own: WidgetConfig['ownWords']): OwnWords | undefined {
  const tags = Object.keys(own)
  const tag = tags.find(tag => tag === language) ?? tags.find(tag => base(tag) === base(language))
  return tag === undefined ? undefined : own[tag]
}
