/** A string in double quotes as TOML and HCL have it: what could end it or its line is written as an escape. */
export function quotedString(text: string, also = /(?!)/): string {
  const short: Record<string, string> = { '"': '\\"', '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' }
  const odd = new RegExp(`["\\\\\\p{Cc}\\p{Zl}\\p{Zp}\\ufeff]|${also.source}`, 'gu')
  const wellFormed = Buffer.from(text).toString()
  return `"${wellFormed.replace(odd, one => short[one] ?? `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`)}"`
}
