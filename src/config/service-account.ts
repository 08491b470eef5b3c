/**
 * The key of a Google service account, as its file has it: raw, or in base64 as CI systems like to keep it. The result
 * is the JSON text itself, which is what `_json_key` wants.
 * @throws Error that says what is missing, and repeats nothing of the key
 */
export function serviceAccountKey(text: string): string {
  const json = text.trimStart().startsWith('{') ? text : fromBase64(text)
  const key = parse(json)
  if (key.type !== 'service_account') throw new Error(`it is no service account key: its type is not service_account`)
  const missing = ['project_id', 'client_email', 'private_key'].filter(name => typeof key[name] !== 'string')
  if (missing.length > 0) throw new Error(`the service account key lacks ${missing.join(', ')}`)
  if (!isPem(String(key.private_key))) throw new Error('the private_key in the service account key is no PEM text')
  return json
}

function fromBase64(text: string): string {
  if (isPem(text)) {
    throw new Error(
      'this is the private key alone: the whole JSON file is needed, with type, project_id and client_email',
    )
  }
  const compact = text.replace(/\s+/g, '')
  const decoded = Buffer.from(compact, 'base64').toString()
  if (!/^[A-Za-z0-9+/_-]+=*$/.test(compact) || !decoded.trimStart().startsWith('{'))
    throw new Error('expected the JSON of a service account key, raw or in base64')
  return decoded
}

function parse(json: string): Record<string, unknown> {
  try {
    return JSON.parse(json) as Record<string, unknown>
  } catch {
    throw new Error('the service account key is not valid JSON; has a part of it been lost?')
  }
}

function isPem(text: string): boolean {
  return /^\s*-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(text)
}
