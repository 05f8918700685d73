// Two languages; the browser's decides until somebody chooses.

const TEXTS = {
  title: ["Chat", "聊天"],
  name: ["Login name", "用户名"],
  password: ["Password", "密码"],
  login: ["Log in", "登录"],
  loginFailed: ["Wrong name or password", "用户名或密码错误"],
  unreachable: ["The server can't be reached", "无法连接服务器"],
  chats: ["Chats", "会话"],
  people: ["People", "通讯录"],
  search: ["Search people and groups", "搜索联系人和群"],
  noChats: ["Nobody has written yet. Find somebody under People.", "还没有会话，去通讯录找同事吧。"],
  nothingFound: ["Nothing found", "没有找到"],
  pickChat: ["Choose a conversation", "请选择一个会话"],
  back: ["Back", "返回"],
  message: ["Message", "消息"],
  placeholder: ["Write a message", "输入消息"],
  send: ["Send", "发送"],
  picture: ["Send a picture", "发送图片"],
  emoji: ["Emoji", "表情"],
  online: ["online", "在线"],
  offline: ["offline", "离线"],
  typing: ["is typing…", "正在输入…"],
  nudged: ["{0} nudges you", "{0} 抖了你一下"],
  disconnected: ["You are offline. What you write is sent when you are back.", "连接已断开，消息将在恢复后发送。"],
  reconnecting: ["Connecting…", "连接中…"],
  kicked: ["You have logged in somewhere else.", "您已在别处登录。"],
  useHere: ["Use it here", "在此使用"],
  pending: ["Waiting to be sent", "等待发送"],
  sent: ["Sent", "已发送"],
  failed: ["Not sent: {0}", "未发送：{0}"],
  retry: ["Try again", "重试"],
  discard: ["Discard", "丢弃"],
  tooLong: ["This is too long for one message.", "消息太长，请分开发送。"],
  pictureText: ["[Picture]", "[图片]"],
  voice: ["Voice message, {0} seconds", "语音消息，{0} 秒"],
  cantPlay: ["This can't be played here.", "无法播放此语音。"],
  uploadFailed: ["The picture could not be sent.", "图片发送失败。"],
  uploadTooMuch: ["You have sent as many pictures today as you may.", "您今天发送的图片已达上限。"],
  uploadNoRoom: ["The server has no room for pictures at the moment.", "服务器空间不足，暂时无法发送图片。"],
  openPicture: ["Open the picture", "查看图片"],
  more: ["Show more ({0})", "显示更多（{0}）"],
  newGroup: ["New group", "新建群"],
  groupName: ["Name of the group", "群名称"],
  create: ["Create", "创建"],
  members: ["{0} people", "{0} 人"],
  groupDetails: ["Details of the group", "群资料"],
  personDetails: ["About {0}", "{0} 的资料"],
  addPeople: ["Add people", "添加成员"],
  remove: ["Remove", "移除"],
  add: ["Add", "添加"],
  mute: ["Mute this group", "消息免打扰"],
  refused: ["The server refused this.", "服务器拒绝了此操作。"],
  taken: ["You are no longer in this group.", "您已不在此群中。"],
  removeChat: ["Remove from the list", "从列表中移除"],
  close: ["Close", "关闭"],
  me: ["Your profile", "个人资料"],
  signature: ["Signature", "个性签名"],
  save: ["Save", "保存"],
  saved: ["Saved", "已保存"],
  avatar: ["Change picture", "更换头像"],
  changePassword: ["Change password", "修改密码"],
  oldPassword: ["Old password", "原密码"],
  newPassword: ["New password", "新密码"],
  passwordChanged: ["Password changed. Your other devices are logged out.", "密码已修改，其他设备已退出登录。"],
  language: ["Language", "语言"],
  theme: ["Appearance", "外观"],
  system: ["As the system", "跟随系统"],
  light: ["Light", "浅色"],
  dark: ["Dark", "深色"],
  notifications: ["Show notifications", "桌面通知"],
  logout: ["Log out", "退出登录"],
  writeTo: ["Write a message", "发消息"],
  unread: ["{0} unread", "{0} 条未读"],
  today: ["Today", "今天"],
  yesterday: ["Yesterday", "昨天"],
  beginning: ["This is where it begins.", "没有更早的消息了。"],
  you: ["You", "我"],
  department: ["Department", "部门"],
  phone: ["Phone", "电话"],
  email: ["E-mail", "邮箱"],
  everyone: ["Others", "其他"],
};

const KEY = "chat.language";

export const language = localStorage.getItem(KEY) || (navigator.language.startsWith("zh") ? "zh" : "en");
const column = language === "zh" ? 1 : 0;
export const locale = language === "zh" ? "zh-CN" : "en";

// The text called `name`, with {0}, {1}… filled in.
export function t(name, ...values) {
  return TEXTS[name][column].replace(/\{(\d)\}/g, (_, index) => values[index]);
}

export function chooseLanguage(chosen) {
  localStorage.setItem(KEY, chosen);
  location.reload();
}
