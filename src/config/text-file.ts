/** What Windows calls Unicode is UTF-16 with a mark at its beginning. */
export function decode(bytes: Buffer): string {
  return bytes[0] === 0xff && bytes[1] === 0xfe ? bytes.subarray(2).toString('utf16le') : bytes.toString()
}
