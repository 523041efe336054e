/** Copying the session's address, also where the page has no secure context and so no clipboard of its own. */
export async function copyLink() {
  const address = location.origin + location.pathname;
  try {
    await navigator.clipboard.writeText(address);
    return true;
  } catch {
    const field = Object.assign(document.createElement('textarea'), { value: address, readOnly: true });
    document.body.append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    return done;
  }
}
