// Runs before the first paint, so that who chose a theme sees no other.
try {
  const theme = localStorage.getItem('assay-theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // storage is refused: the system's theme it is
}
