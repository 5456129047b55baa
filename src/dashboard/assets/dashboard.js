// What pages can do beyond being read: a theme, live regions, copying, forms that send themselves. All of them read without it.
(() => {
  const root = document.documentElement;

  // --- theme: as the system has it, light, dark
  const toggle = document.querySelector('[data-theme-toggle]');
  const themes = ['system', 'light', 'dark'];
  const name = () => root.dataset.theme ?? 'system';
  const showTheme = () => {
    // a voice that asks for what it reads must find it: the label begins with the text
    const shown = { system: 'Auto', light: 'Light', dark: 'Dark' }[name()];
    toggle.textContent = shown;
    toggle.setAttribute('aria-label', `${shown} theme, change it`);
  };
  if (toggle) {
    toggle.hidden = false;
    showTheme();
    toggle.addEventListener('click', () => {
      const next = themes[(themes.indexOf(name()) + 1) % themes.length];
      if (next === 'system') delete root.dataset.theme;
      else root.dataset.theme = next;
      try {
        localStorage.setItem('assay-theme', next);
      } catch {
        // it holds for this page
      }
      showTheme();
    });
  }

  // --- on narrow screens the navigation scrolls: to where the reader is
  document.querySelector('nav [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' });

  // --- forms whose choices apply at once; their button is for those without this script
  for (const form of document.querySelectorAll('form[data-auto]')) {
    form.addEventListener('change', (event) => {
      if (event.target instanceof HTMLSelectElement || event.target.type === 'checkbox') form.requestSubmit();
    });
    // an empty field says nothing: the address stays short enough to share
    form.addEventListener('formdata', (event) => {
      for (const [key, value] of [...event.formData]) if (value === '') event.formData.delete(key);
    });
  }

  // --- copying
  document.addEventListener('click', async (event) => {
    const button = event.target instanceof Element ? event.target.closest('[data-copy]') : null;
    if (!button) return;
    const from = document.getElementById(button.dataset.copy);
    const text = from?.textContent ?? '';
    let done = 'Copied';
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // no clipboard here: the text is selected, and the keys copy it
      getSelection()?.selectAllChildren(from);
      done = 'Selected';
    }
    const label = button.textContent;
    button.textContent = done;
    setTimeout(() => {
      button.textContent = label;
    }, 1500);
  });
  for (const button of document.querySelectorAll('[data-copy]')) button.hidden = false;

  // --- what changes while the page is open
  const address = document.body.dataset.events;
  if (!address || !('EventSource' in window)) return;
  const regions = new Map();
  for (const region of document.querySelectorAll('[data-live]'))
    regions.set(region.dataset.live, [...(regions.get(region.dataset.live) ?? []), region]);
  const state = (text, isOff) => {
    for (const each of document.querySelectorAll('[data-stream]')) {
      each.textContent = text;
      each.classList.toggle('is-off', isOff);
    }
  };
  /** parsed apart: nothing in it can run, and only its nodes come over */
  const nodesOf = (html) => [...new DOMParser().parseFromString(html, 'text/html').body.childNodes];
  const renew = (region, html) => {
    const focused = region.contains(document.activeElement) ? document.activeElement.id : '';
    region.replaceChildren(...nodesOf(html));
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  };
  const source = new EventSource(address);
  source.addEventListener('open', () => state('live', false));
  source.addEventListener('error', () => state('not connected', true));
  for (const [topic, shown] of regions)
    source.addEventListener(topic, (event) => {
      const { html } = JSON.parse(event.data);
      if (typeof html === 'string') for (const region of shown) renew(region, html);
    });
  addEventListener('pagehide', () => source.close());
  addEventListener('pageshow', (event) => {
    if (event.persisted) location.reload();
  });
})();
