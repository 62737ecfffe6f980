import { createApp } from 'vue'
import App from './App.vue'
import { listenForKeys } from './keys'
import { router } from './router'
import './state/preferences'
import './styles/library'
import './styles/console.css'

createApp(App).use(router).mount('#app')
listenForKeys()
