import { must, type Server } from './server.ts'

const folder = '/srv/packages'

/**
 * Takes packages off a server that its root has from this machine, with all that needs them, and makes a repository
 * there that has them: packed again from what was installed, so that no network is asked. Configuration files stay.
 */
export async function takePackages(server: Server, names: readonly string[]): Promise<void> {
  await must(server, `${pack}\ntake ${names.join(' ')}`)
}

/** Says whether apt finds that repository. */
export async function offerPackages(server: Server, isOffered: boolean): Promise<void> {
  const line = isOffered ? `deb [trusted=yes] file:${folder} ./` : ''
  await must(server, `echo '${line}' >/etc/apt/sources.list`)
}

// What a package is made of: its own files, its scripts, and its entry without what dpkg adds to that. This machine's lists
// of packages, and its manual pages, would take apt and dpkg most of the time.
const pack = `set -e
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
pack() {
  rm -rf /tmp/pack
  mkdir -p /tmp/pack/DEBIAN
  chmod 755 /tmp/pack /tmp/pack/DEBIAN
  dpkg-query -s "$1" | awk '/^[A-Za-z]/ { own = !/^(Status|Conffiles|Config-Version):/ } own' >/tmp/pack/DEBIAN/control
  dpkg-query -W -f '\${Conffiles}\\n' "$1" | awk '$1 && !/obsolete/ { print $1 }' >/tmp/pack/DEBIAN/conffiles
  for script in preinst postinst prerm postrm triggers; do
    for file in /var/lib/dpkg/info/"$1".$script /var/lib/dpkg/info/"$1":*.$script; do
      [ ! -f "$file" ] || cp "$file" /tmp/pack/DEBIAN/$script
    done
  done
  dpkg-query -L "$1" | while read -r file; do
    [ ! -f "$file" ] || echo ".$file"
  done | tar -C / -cf - --no-recursion -T - | tar -C /tmp/pack -xf -
  dpkg-deb -Znone -b /tmp/pack ${folder}/"$1".deb >/dev/null
  dpkg-deb -f ${folder}/"$1".deb
  echo "Filename: ./$1.deb"
  echo "Size: $(stat -c %s ${folder}/"$1".deb)"
  echo "SHA256: $(sha256sum ${folder}/"$1".deb | cut -d ' ' -f 1)"
  echo
}
take() {
  mkdir -p ${folder}
  rm -rf /etc/apt/sources.list.d/* /etc/apt/sources.list /var/lib/apt/lists/* /var/lib/man-db/auto-update
  gone=$(apt-get -s remove "$@" | sed -n 's/^Remv \\([^ ]*\\) .*/\\1/p')
  for name in $gone; do pack "$name" >>${folder}/Packages; done
  apt-get remove -y -q $gone >/dev/null
  rm -rf /tmp/pack
}`
