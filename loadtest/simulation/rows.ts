import type pg from 'pg'
import type { StoredConversation, StoredMessage } from './history.ts'

/** All logs as the database has them, read past the program. */
export async function readMessages(owner: pg.Pool): Promise<StoredMessage[]> {
  const { rows } = await owner.query(`select id, conversation_id as "conversationId", seq::float8 as seq,
    public_seq::float8 as "publicSeq", type, text, sender_id as "senderId", client_id as "clientId", parent_id as "parentId",
    created_at as "createdAt", metadata ? 'deleted' as deleted from messages`)
  return rows.map(row => ({ ...row, createdAt: row.createdAt.toISOString() }))
}

export async function readConversations(owner: pg.Pool): Promise<StoredConversation[]> {
  const { rows } = await owner.query(
    'select id, seq::float8 as seq, public_seq::float8 as "publicSeq" from conversations',
  )
  return rows
}
