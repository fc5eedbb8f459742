import type { Mail } from '../providers/mail.ts'

export interface Recipient {
  readonly email: string
  readonly name: string
}

/** A name is whatever a stranger typed; one that could be an address would make our mail advertise it. */
const looksLikeAddress = (name: string): boolean => /[/:@]|\w\.\w/.test(name)
export const greeting = (name: string): string => (looksLikeAddress(name) ? 'Hello,' : `Hello ${name},`)
export const plainName = (name: string): string => (looksLikeAddress(name) ? 'a workspace' : name)

export const verificationMail = (user: Recipient, url: string): Mail => ({
  to: user.email,
  subject: 'Confirm your address',
  text: `${greeting(user.name)}\n\nplease confirm that this is your address:\n\n${url}\n\nThe link works for a day. If you did not ask for it, ignore this mail.\n`,
})

export const resetMail = (user: Recipient, url: string): Mail => ({
  to: user.email,
  subject: 'Choose a new password',
  text: `${greeting(user.name)}\n\nchoose a new password here:\n\n${url}\n\nThe link works for an hour. If you did not ask for it, ignore this mail: nothing has changed.\n`,
})

export const alreadyHereMail = (user: Recipient, publicUrl: string): Mail => ({
  to: user.email,
  subject: 'You already have an account',
  text: `${greeting(user.name)}\n\nsomeone, probably you, tried to sign up at ${publicUrl} with this address. It has an account already; sign in, or reset the password if you forgot it.\n`,
})

export const invitationMail = (to: string, tenant: string, inviter: string, url: string): Mail => ({
  to,
  subject: `Join ${plainName(tenant)} on Parley`,
  text: `Hello,\n\n${looksLikeAddress(inviter) ? 'A member' : inviter} invites you to ${plainName(tenant)}. Accept here:\n\n${url}\n\nThe link works for a week.\n`,
})
