// What any shop would do with its widget: a button of its own that opens the chat with the question already written.
for (const button of document.querySelectorAll('[data-ask]'))
  button.addEventListener('click', () => window.Parley?.('message', button.dataset.ask))
