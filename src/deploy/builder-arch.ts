/** What images are built for on this machine unless a server says otherwise. */
export const builderArch = process.arch === 'x64' ? 'amd64' : process.arch
