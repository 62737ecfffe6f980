import { ElMessage } from 'element-plus'
import { createApp } from 'vue'
import App from './App.vue'
import { explained } from './components/problem'
import { listenForKeys } from './keys'
import { router } from './router'
import './state/preferences'
import './styles/library'
import './styles/console.css'
import './styles/policy.css'
import './styles/redaction.css'

const app = createApp(App).use(router)
// A page that cannot be drawn says so; a blank one would pass for a quiet night.
app.config.errorHandler = (error) => {
  ElMessage.error({ message: explained(error), grouping: true, duration: 0, showClose: true })
  console.error(error)
}
app.mount('#app')
listenForKeys()
