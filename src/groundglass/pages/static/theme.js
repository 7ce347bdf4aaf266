// Before anything is drawn: restore the theme that was chosen last time.
try {
  const theme = localStorage.getItem("groundglass-theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch {
  // A page from disk may have no storage; then the system's preference decides.
}
